ALTER TABLE "distributions" ADD COLUMN "open_offers" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD COLUMN "on_short_wallet" text DEFAULT 'skip' NOT NULL;--> statement-breakpoint
ALTER TABLE "distributions" ADD CONSTRAINT "distributions_open_offers" CHECK ("distributions"."open_offers" >= 0);--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_short_wallet" CHECK ("subscriptions"."on_short_wallet" in ('skip', 'offer'));