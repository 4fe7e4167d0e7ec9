-- Completed by hand: data of earlier versions is kept.
DROP INDEX "effects_unlock";--> statement-breakpoint
DROP INDEX "messages_unlock";--> statement-breakpoint
DROP INDEX "lead_unlocks_newest";--> statement-breakpoint
DROP INDEX "leads_newest";--> statement-breakpoint
DROP INDEX "leads_uploaded";--> statement-breakpoint
DROP INDEX "checkout_sessions_number";--> statement-breakpoint
DROP INDEX "checkout_sessions_one_open";--> statement-breakpoint
DROP INDEX "payments_one_kept";--> statement-breakpoint
DROP INDEX "payments_unlock";--> statement-breakpoint
ALTER TABLE "lead_unlocks" ALTER COLUMN "our_number" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "lead_unlocks" ALTER COLUMN "phone" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "leads" ALTER COLUMN "price_minor" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "leads" ALTER COLUMN "currency" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "leads" ALTER COLUMN "ttl_ms" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "checkout_sessions" ALTER COLUMN "unlock_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "payments" ALTER COLUMN "unlock_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "payments" ALTER COLUMN "session_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "role" text;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "buyer_id" uuid;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "supplier_id" uuid;--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD COLUMN "campaign_id" uuid;--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD COLUMN "subscription_id" uuid;--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD COLUMN "paid_by" text;--> statement-breakpoint
ALTER TABLE "leads" ADD COLUMN "channel" text;--> statement-breakpoint
ALTER TABLE "checkout_sessions" ADD COLUMN "purpose" text;--> statement-breakpoint
ALTER TABLE "checkout_sessions" ADD COLUMN "subject_id" uuid;--> statement-breakpoint
ALTER TABLE "payments" ADD COLUMN "purpose" text;--> statement-breakpoint
ALTER TABLE "payments" ADD COLUMN "subject_id" uuid;--> statement-breakpoint
ALTER TABLE "effects" ADD COLUMN "subject" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "subject" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "recipient_id" uuid;--> statement-breakpoint
-- Backfill before the NOT NULL constraints.
UPDATE "members" SET "role" = 'seller';--> statement-breakpoint
ALTER TABLE "members" ALTER COLUMN "role" SET NOT NULL;--> statement-breakpoint
UPDATE "leads" SET "channel" = 'pay_per_unlock' WHERE NOT "uploaded";--> statement-breakpoint
-- Uploaded leads carried default terms that no request had set.
UPDATE "leads" SET "channel" = 'crm_upload', "price_minor" = NULL, "currency" = NULL, "ttl_ms" = NULL WHERE "uploaded";--> statement-breakpoint
ALTER TABLE "leads" ALTER COLUMN "channel" SET NOT NULL;--> statement-breakpoint
UPDATE "lead_unlocks" SET "paid_by" = 'stripe' WHERE "paid_at" IS NOT NULL;--> statement-breakpoint
UPDATE "checkout_sessions" SET "purpose" = 'unlock', "subject_id" = "unlock_id";--> statement-breakpoint
ALTER TABLE "checkout_sessions" ALTER COLUMN "purpose" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "checkout_sessions" ALTER COLUMN "subject_id" SET NOT NULL;--> statement-breakpoint
UPDATE "payments" SET "purpose" = 'unlock', "subject_id" = "unlock_id";--> statement-breakpoint
ALTER TABLE "payments" ALTER COLUMN "purpose" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "payments" ALTER COLUMN "subject_id" SET NOT NULL;--> statement-breakpoint
-- The key of an alert's e-mail contains the alert's key. Other effects without an unlock are about their organization.
UPDATE "effects" SET "subject" = coalesce('unlock:' || "unlock_id", 'alert:' || substring("key" FROM '^alert-(.+)$'),
	'organization:' || "organization_id", 'message:' || "id");--> statement-breakpoint
ALTER TABLE "effects" ALTER COLUMN "subject" SET NOT NULL;--> statement-breakpoint
UPDATE "messages" m SET
	"subject" = coalesce('unlock:' || m."unlock_id", (SELECT e."subject" FROM "effects" e WHERE e."id" = m."id"), 'phone:' || m."phone_id", 'message:' || m."id"),
	"recipient_id" = CASE WHEN m."recipient_kind" = 'buyer' THEN m."buyer_id" END,
	"recipient_kind" = CASE WHEN m."recipient_kind" = 'buyer' AND m."buyer_id" IS NULL THEN 'address' ELSE m."recipient_kind" END;--> statement-breakpoint
ALTER TABLE "messages" ALTER COLUMN "subject" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_buyer_id_buyers_id_fk" FOREIGN KEY ("buyer_id") REFERENCES "public"."buyers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "effects_subject" ON "effects" USING btree ("subject");--> statement-breakpoint
CREATE INDEX "messages_subject" ON "messages" USING btree ("subject");--> statement-breakpoint
CREATE INDEX "lead_unlocks_newest" ON "lead_unlocks" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "leads_newest" ON "leads" USING btree ("organization_id","created_at","id") WHERE channel = 'pay_per_unlock';--> statement-breakpoint
CREATE INDEX "leads_uploaded" ON "leads" USING btree ("organization_id","id") WHERE channel = 'crm_upload';--> statement-breakpoint
CREATE UNIQUE INDEX "checkout_sessions_number" ON "checkout_sessions" USING btree ("purpose","subject_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "checkout_sessions_one_open" ON "checkout_sessions" USING btree ("purpose","subject_id") WHERE state in ('creating', 'open');--> statement-breakpoint
CREATE UNIQUE INDEX "payments_one_kept" ON "payments" USING btree ("purpose","subject_id") WHERE kept;--> statement-breakpoint
CREATE INDEX "payments_unlock" ON "payments" USING btree ("unlock_id") WHERE unlock_id is not null;--> statement-breakpoint
ALTER TABLE "leads" DROP COLUMN "uploaded";--> statement-breakpoint
ALTER TABLE "effects" DROP COLUMN "unlock_id";--> statement-breakpoint
ALTER TABLE "messages" DROP COLUMN "unlock_id";--> statement-breakpoint
ALTER TABLE "messages" DROP COLUMN "buyer_id";--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_role" CHECK ("members"."role" in ('seller', 'buyer', 'supplier'));--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_of" CHECK (("members"."role" = 'buyer') = ("members"."buyer_id" is not null) and ("members"."role" = 'supplier') = ("members"."supplier_id" is not null));--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD CONSTRAINT "lead_unlocks_paid_by" CHECK ("lead_unlocks"."paid_by" in ('stripe', 'wallet'));--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD CONSTRAINT "lead_unlocks_paid_from" CHECK (("lead_unlocks"."paid_by" is null) = ("lead_unlocks"."paid_at" is null));--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD CONSTRAINT "lead_unlocks_texted" CHECK (("lead_unlocks"."our_number" is null) = ("lead_unlocks"."phone" is null));--> statement-breakpoint
ALTER TABLE "leads" ADD CONSTRAINT "leads_channel" CHECK ("leads"."channel" in ('pay_per_unlock', 'crm_upload', 'marketplace'));--> statement-breakpoint
ALTER TABLE "leads" ADD CONSTRAINT "leads_terms" CHECK (num_nonnulls("leads"."price_minor", "leads"."currency", "leads"."ttl_ms") = case when "leads"."channel" = 'pay_per_unlock' then 3 else 0 end);--> statement-breakpoint
ALTER TABLE "checkout_sessions" ADD CONSTRAINT "checkout_sessions_purpose" CHECK ("checkout_sessions"."purpose" in ('unlock', 'top_up'));--> statement-breakpoint
ALTER TABLE "checkout_sessions" ADD CONSTRAINT "checkout_sessions_subject" CHECK (("checkout_sessions"."purpose" = 'unlock') = ("checkout_sessions"."unlock_id" is not null) and ("checkout_sessions"."unlock_id" is null or "checkout_sessions"."unlock_id" = "checkout_sessions"."subject_id"));--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_purpose" CHECK ("payments"."purpose" in ('unlock', 'top_up'));--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_subject" CHECK (("payments"."purpose" = 'unlock') = ("payments"."unlock_id" is not null) and ("payments"."unlock_id" is null or "payments"."unlock_id" = "payments"."subject_id"));--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_session" CHECK ("payments"."purpose" <> 'unlock' or "payments"."session_id" is not null);--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_recipient_kind" CHECK (recipient_kind in ('buyer', 'consumer', 'member', 'operator', 'address'));--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_recipient" CHECK ((recipient_kind in ('buyer', 'consumer', 'member')) = (recipient_id is not null));--> statement-breakpoint
-- Completed by hand: existing connections, syncs and call counters are those of GoHighLevel and keep their data.
ALTER TABLE "crm_connections" DROP CONSTRAINT "crm_connections_version";--> statement-breakpoint
ALTER TABLE "crm_connections" DROP CONSTRAINT "crm_connections_pkey";--> statement-breakpoint
DROP INDEX "crm_connections_location";--> statement-breakpoint
ALTER TABLE "crm_connections" RENAME COLUMN "location_id" TO "account_id";--> statement-breakpoint
ALTER TABLE "crm_connections" ADD COLUMN "id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL;--> statement-breakpoint
ALTER TABLE "crm_connections" ADD COLUMN "buyer_id" uuid;--> statement-breakpoint
ALTER TABLE "crm_connections" ADD COLUMN "vendor" text DEFAULT 'ghl' NOT NULL;--> statement-breakpoint
ALTER TABLE "crm_connections" ALTER COLUMN "vendor" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "crm_connections" ADD CONSTRAINT "crm_connections_buyer_id_buyers_id_fk" FOREIGN KEY ("buyer_id") REFERENCES "public"."buyers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "crm_connections_account" ON "crm_connections" USING btree ("vendor","account_id");--> statement-breakpoint
CREATE UNIQUE INDEX "crm_connections_organization" ON "crm_connections" USING btree ("organization_id") WHERE buyer_id is null;--> statement-breakpoint
CREATE UNIQUE INDEX "crm_connections_buyer" ON "crm_connections" USING btree ("buyer_id") WHERE buyer_id is not null;--> statement-breakpoint
ALTER TABLE "crm_call_days" DROP CONSTRAINT "crm_call_days_location_id_day_pk";--> statement-breakpoint
ALTER TABLE "crm_call_days" RENAME COLUMN "location_id" TO "account_id";--> statement-breakpoint
ALTER TABLE "crm_call_days" ADD COLUMN "vendor" text DEFAULT 'ghl' NOT NULL;--> statement-breakpoint
ALTER TABLE "crm_call_days" ALTER COLUMN "vendor" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "crm_call_days" ADD CONSTRAINT "crm_call_days_vendor_account_id_day_pk" PRIMARY KEY("vendor","account_id","day");--> statement-breakpoint
ALTER TABLE "crm_call_slots" DROP CONSTRAINT "crm_call_slots_location_id_slot_pk";--> statement-breakpoint
ALTER TABLE "crm_call_slots" RENAME COLUMN "location_id" TO "account_id";--> statement-breakpoint
ALTER TABLE "crm_call_slots" ADD COLUMN "vendor" text DEFAULT 'ghl' NOT NULL;--> statement-breakpoint
ALTER TABLE "crm_call_slots" ALTER COLUMN "vendor" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "crm_call_slots" ADD CONSTRAINT "crm_call_slots_vendor_account_id_slot_pk" PRIMARY KEY("vendor","account_id","slot");--> statement-breakpoint
DROP INDEX "lead_syncs_status";--> statement-breakpoint
DROP INDEX "lead_syncs_contact";--> statement-breakpoint
ALTER TABLE "lead_syncs" DROP CONSTRAINT "lead_syncs_pkey";--> statement-breakpoint
ALTER TABLE "lead_syncs" RENAME COLUMN "told_at" TO "contact_updated_at";--> statement-breakpoint
ALTER TABLE "lead_syncs" ADD COLUMN "connection_id" uuid;--> statement-breakpoint
UPDATE "lead_syncs" s SET "connection_id" = k."id" FROM "crm_connections" k WHERE k."organization_id" = s."organization_id";--> statement-breakpoint
-- Every company was registered with a connection. Without one nothing was ever sent, and the lead counts as pending.
DELETE FROM "lead_syncs" WHERE "connection_id" IS NULL;--> statement-breakpoint
ALTER TABLE "lead_syncs" ALTER COLUMN "connection_id" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "lead_syncs" ADD CONSTRAINT "lead_syncs_lead_id_connection_id_pk" PRIMARY KEY("lead_id","connection_id");--> statement-breakpoint
ALTER TABLE "lead_syncs" ADD CONSTRAINT "lead_syncs_connection_id_crm_connections_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."crm_connections"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "lead_syncs_status" ON "lead_syncs" USING btree ("connection_id","status","updated_at");--> statement-breakpoint
CREATE INDEX "lead_syncs_contact" ON "lead_syncs" USING btree ("connection_id","contact_id");--> statement-breakpoint
-- Events that another worker handles now. The new epoch voids the jobs in the queue of the former one.
UPDATE "outbox" o SET "worker" = CASE e."type" WHEN 'reply.notified' THEN 'inbound' ELSE 'payment-linker' END, "epoch" = o."epoch" + 1, "visits" = 0
FROM "events" e WHERE e."id" = o."event_id" AND e."occurred_at" = o."event_at"
	AND (o."worker", e."type") IN (('revealer', 'payment.reported'), ('expirer', 'unlock.closed'), ('notifier', 'reply.notified'));
