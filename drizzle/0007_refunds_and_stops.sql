-- Refunds and disputes booked as the objects they are; texts, merges and stops that are stated as they happened.

-- Refunds and disputes: one row per object at Stripe, and their sums on the payment. Of earlier ones only the sums are
-- known; their rows follow with the next report of Stripe.
CREATE TABLE "refunds" (
	"id" text PRIMARY KEY NOT NULL,
	"payment_id" uuid NOT NULL,
	"amount_minor" integer NOT NULL,
	"status" text NOT NULL,
	"failure" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "refunds_status" CHECK ("refunds"."status" in ('pending', 'requires_action', 'succeeded', 'failed', 'canceled'))
);
--> statement-breakpoint
CREATE TABLE "disputes" (
	"id" text PRIMARY KEY NOT NULL,
	"payment_id" uuid NOT NULL,
	"amount_minor" integer NOT NULL,
	"withdrawn_minor" integer NOT NULL,
	"kind" text NOT NULL,
	"status" text NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "disputes_kind" CHECK ("disputes"."kind" in ('inquiry', 'open', 'won', 'lost'))
);
--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_payment_id_payments_id_fk" FOREIGN KEY ("payment_id") REFERENCES "public"."payments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_payment_id_payments_id_fk" FOREIGN KEY ("payment_id") REFERENCES "public"."payments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "refunds_payment" ON "refunds" USING btree ("payment_id");--> statement-breakpoint
CREATE INDEX "disputes_payment" ON "disputes" USING btree ("payment_id");--> statement-breakpoint
ALTER TABLE "payments" ADD COLUMN "refunding_minor" integer DEFAULT 0 NOT NULL, ADD COLUMN "disputed_minor" integer DEFAULT 0 NOT NULL, ADD COLUMN "withdrawn_minor" integer DEFAULT 0 NOT NULL, ADD COLUMN "version" integer DEFAULT 0 NOT NULL, ADD COLUMN "flags_buyer" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "flags" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
UPDATE "payments" p SET "disputed_minor" = CASE WHEN p.disputed_at IS NULL THEN 0 ELSE p.amount_minor - p.refunded_minor END,
    "flags_buyer" = EXISTS (SELECT 1 FROM "lead_unlocks" u JOIN "buyers" b ON b.id = u.buyer_id WHERE u.id = p.unlock_id AND b.flagged_at IS NOT NULL)
  WHERE p.disputed_at IS NOT NULL OR (p.kept AND p.refunded_minor > 0);--> statement-breakpoint
UPDATE "buyers" b SET "flags" = f.n
  FROM (SELECT u.buyer_id, count(*) AS n FROM "payments" p JOIN "lead_unlocks" u ON u.id = p.unlock_id WHERE p.flags_buyer GROUP BY 1) f
  WHERE b.id = f.buyer_id;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_reversals" CHECK ("payments"."refunding_minor" >= 0 and "payments"."refunded_minor" + "payments"."refunding_minor" <= "payments"."amount_minor"
        and "payments"."disputed_minor" between 0 and "payments"."amount_minor" and "payments"."withdrawn_minor" between 0 and "payments"."amount_minor");--> statement-breakpoint

-- Until when a vendor's own list of events was read, to find those whose webhook never came.
CREATE TABLE "event_cursors" (
	"vendor" text PRIMARY KEY NOT NULL,
	"read_until" timestamp with time zone NOT NULL
);--> statement-breakpoint
-- A CRM keeps one contact per e-mail address: the lead that is written with it. Others with the address are written without.
CREATE TABLE "crm_addresses" (
	"vendor" text NOT NULL,
	"account_id" text NOT NULL,
	"email_hash" text NOT NULL,
	"lead_id" uuid NOT NULL,
	"person" text NOT NULL,
	CONSTRAINT "crm_addresses_vendor_account_id_email_hash_pk" PRIMARY KEY("vendor","account_id","email_hash")
);--> statement-breakpoint
-- A contact that several earlier leads became shows the one that was written last.
INSERT INTO "crm_addresses" ("vendor", "account_id", "email_hash", "lead_id", "person")
SELECT DISTINCT ON (k.vendor, k.account_id, l.email_hash) k.vendor, k.account_id, l.email_hash, l.id, coalesce(l.phone_hash, l.id::text)
FROM "lead_syncs" s JOIN "crm_connections" k ON k.id = s.connection_id JOIN "leads" l ON l.id = s.lead_id
WHERE s.contact_id IS NOT NULL AND l.email_hash IS NOT NULL
ORDER BY k.vendor, k.account_id, l.email_hash, s.updated_at DESC;--> statement-breakpoint
-- What people should know of a lead that is in the CRM.
ALTER TABLE "lead_syncs" ADD COLUMN "remark" text;--> statement-breakpoint
-- Leads that an import stored with a warning, by field: an address that was left out, a number that cannot be texted.
ALTER TABLE "imports" ADD COLUMN "warnings" jsonb DEFAULT '{}'::jsonb NOT NULL;
--> statement-breakpoint
-- When each organization reported the opt-out of a phone: identifies the opt-out, which is confirmed once.
ALTER TABLE "phones" ADD COLUMN "opted_out_since" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
-- Imports: how a file was read when it was uploaded, which every later run repeats. Null in older imports.
ALTER TABLE "imports" ADD COLUMN "read_as" jsonb;--> statement-breakpoint
-- Stops: sending of an import is stopped and resumed, and imports of one organization take turns in the outbox. Rows of
-- earlier versions have no import there: they take turns as one more, and a stop ends them as they come up.
ALTER TABLE "outbox" ADD COLUMN "import_id" uuid;--> statement-breakpoint
DROP INDEX "outbox_waiting";--> statement-breakpoint
CREATE INDEX "outbox_waiting" ON "outbox" USING btree ("worker","organization_id","import_id","due_at") WHERE not queued and parked_at is null;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "stopped_from" text;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "stopped_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "resumed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "imports" ADD CONSTRAINT "imports_stopped_from" CHECK ("imports"."stopped_from" in ('done', 'failed'));--> statement-breakpoint
-- Alerts and workers as people see them: what the title of an alert says, and a heartbeat of every process with workers.
ALTER TABLE "alerts" ADD COLUMN "details" jsonb;--> statement-breakpoint
-- Their amounts have no currency, so what is known is said.
UPDATE "alerts" SET "text" = 'A part or all of the payment went back to the buyer.' WHERE "kind" = 'payment_refunded' AND "resolved_at" IS NULL;--> statement-breakpoint
CREATE TABLE "worker_processes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"workers" jsonb NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL
);--> statement-breakpoint
CREATE INDEX "worker_processes_seen" ON "worker_processes" USING btree ("seen_at");
