-- Waiting rows are found by what is due now, however many are due later: a row due later stands in an index by time, one
-- that is due in the index by organization. Each row has one entry, as before.
ALTER TABLE "outbox" ADD COLUMN "lined_up" boolean DEFAULT false NOT NULL;--> statement-breakpoint
DROP INDEX "outbox_waiting";--> statement-breakpoint
CREATE INDEX "outbox_in_line" ON "outbox" USING btree ("worker","organization_id","import_id","due_at") WHERE not queued and parked_at is null and (lined_up or due_at <= created_at);--> statement-breakpoint
CREATE INDEX "outbox_later" ON "outbox" USING btree ("worker","due_at") WHERE not queued and parked_at is null and not lined_up and due_at > created_at;--> statement-breakpoint
-- One process at a time sweeps. Unlogged, so that its renewal each second writes no log.
CREATE UNLOGGED TABLE "sweeper_lease" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"holder" uuid NOT NULL,
	"until" timestamp with time zone NOT NULL,
	CONSTRAINT "sweeper_lease_one" CHECK ("sweeper_lease"."id" = 1)
);
