ALTER TABLE "distributions" ADD COLUMN "open_offers" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "on_short_wallet" text DEFAULT 'skip' NOT NULL;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "phone_confirmed" boolean DEFAULT true NOT NULL;--> statement-breakpoint
CREATE INDEX "lead_unlocks_campaign_offers" ON "lead_unlocks" USING btree ("buyer_id","campaign_id","id") WHERE campaign_id is not null and phone is not null;--> statement-breakpoint
ALTER TABLE "distributions" ADD CONSTRAINT "distributions_open_offers" CHECK ("distributions"."open_offers" >= 0);--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_short_wallet" CHECK ("subscriptions"."on_short_wallet" in ('skip', 'offer'));--> statement-breakpoint
-- Phones that people typed themselves are to be confirmed by their seller before offers are texted to them.
UPDATE "buyers" SET "phone_confirmed" = false WHERE "user_id" IS NOT NULL AND "phone" IS NOT NULL;
