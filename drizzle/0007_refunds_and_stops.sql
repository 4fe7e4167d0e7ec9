-- Refunds and disputes booked as the objects they are; texts, merges and stops that are stated as they happened.

-- Stops: sending of an import is stopped and resumed, and imports of one organization take turns in the outbox. Rows of
-- earlier versions have no import there: they take turns as one more, and a stop ends them as they come up.
ALTER TABLE "outbox" ADD COLUMN "import_id" uuid;--> statement-breakpoint
DROP INDEX "outbox_waiting";--> statement-breakpoint
CREATE INDEX "outbox_waiting" ON "outbox" USING btree ("worker","organization_id","import_id","due_at") WHERE not queued and parked_at is null;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "stopped_from" text;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "stopped_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "resumed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "imports" ADD CONSTRAINT "imports_stopped_from" CHECK ("imports"."stopped_from" in ('done', 'failed'));
