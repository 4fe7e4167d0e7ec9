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
CREATE INDEX "lead_syncs_contact" ON "lead_syncs" USING btree ("connection_id","contact_id");
