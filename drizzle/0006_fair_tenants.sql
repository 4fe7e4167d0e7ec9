-- One tenant cannot hurt another.

-- First, because it reads the largest table: the statements after it lock tables exclusively until the end.
CREATE INDEX "leads_supplier" ON "leads" USING btree ("organization_id","supplier_id","created_at","id") WHERE supplier_id is not null;--> statement-breakpoint

-- Fair queues: the share of an organization in every queue, as a multiple of the others'.
ALTER TABLE "organizations" ADD COLUMN "queue_weight" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "organizations" ADD CONSTRAINT "organizations_queue_weight" CHECK ("queue_weight" between 1 and 100);--> statement-breakpoint
CREATE INDEX "organizations_weighted" ON "organizations" USING btree ("queue_weight") WHERE queue_weight <> 1;--> statement-breakpoint

-- Quotas: counters that processes share, and limits of single organizations. The counters of sign-ins are among them.
ALTER TABLE "organizations" ADD COLUMN "quotas" jsonb;--> statement-breakpoint
CREATE UNLOGGED TABLE "quota_counters" (
	"key" text PRIMARY KEY NOT NULL,
	"used" bigint DEFAULT 0 NOT NULL,
	"places" jsonb DEFAULT '{}' NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
) WITH (fillfactor = 50);--> statement-breakpoint
CREATE INDEX "quota_counters_expired" ON "quota_counters" USING btree ("expires_at");--> statement-breakpoint
DROP TABLE "sign_in_limits";--> statement-breakpoint

-- Opt-outs that an organization reported through its own key count for that organization.
ALTER TABLE "phones" ADD COLUMN "opted_out_of" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint

-- Every supplier's key names its supplier. An existing key is a supplier of its own; who sent an existing lead is unknown.
ALTER TABLE "api_keys" ADD COLUMN "supplier_id" uuid;--> statement-breakpoint
UPDATE "api_keys" SET "supplier_id" = "id" WHERE "owner" = 'supplier';--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_supplier" CHECK (("api_keys"."owner" = 'supplier') = ("api_keys"."supplier_id" is not null));--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "price_floors" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint

-- API keys end with the person who made them. Null for keys made on the command line, and for earlier ones.
ALTER TABLE "api_keys" ADD COLUMN "created_by" text;--> statement-breakpoint
CREATE INDEX "api_keys_created_by" ON "api_keys" USING btree ("created_by") WHERE "created_by" IS NOT NULL;--> statement-breakpoint

-- Imports: stored rejects are bounded and the rest is counted by reason; imports of one organization take turns.
ALTER TABLE "imports" ADD COLUMN "rejects_kept" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "reject_reasons" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
UPDATE "imports" SET "rejects_kept" = "rejected" WHERE "rejected" > 0;--> statement-breakpoint
CREATE INDEX "imports_running" ON "imports" USING btree ("organization_id","started_at","id") WHERE status = 'running';--> statement-breakpoint

-- The page of a buyer whose payment is held for a check says so. Of earlier ones, those are held whose alert is open.
ALTER TABLE "checkout_sessions" ADD COLUMN "quarantined_at" timestamp with time zone;--> statement-breakpoint
UPDATE "checkout_sessions" s SET "quarantined_at" = a.created_at FROM "alerts" a
  WHERE a.key = 'quarantined-' || s.id AND a.resolved_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM "payments" p WHERE p.session_id = s.id);
