-- A deal changes its rows about thirty times. A change of a column that an index names, or that its condition names, writes
-- an entry into every index of the table; any other change writes none while the page has room.
-- First the tables that a run locks first, so that workers which still run do not block the change for good.
-- A claim leases its outbox row: the index of due rows stays as it is.
ALTER TABLE "outbox" ADD COLUMN "lease_until" timestamp with time zone;--> statement-breakpoint
-- Room for the new versions of a row on its page; before a table is rewritten.
ALTER TABLE "outbox" SET (fillfactor = 80);--> statement-breakpoint
ALTER TABLE "lead_unlocks" SET (fillfactor = 70);--> statement-breakpoint
ALTER TABLE "lead_unlocks" ADD COLUMN "is_open" boolean GENERATED ALWAYS AS (status in ('NEW_LEAD', 'TEASER_SENT', 'AWAIT_CONFIRM', 'CHECK_EXISTING_PAYMENT', 'CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT', 'AWAITING_PAYMENT')) STORED;--> statement-breakpoint
DROP INDEX "lead_unlocks_open";--> statement-breakpoint
CREATE INDEX "lead_unlocks_open" ON "lead_unlocks" USING btree ("our_number","phone") WHERE is_open;--> statement-breakpoint
-- No query uses it: a vendor's id is looked up in messages.
DROP INDEX "effects_vendor_id";--> statement-breakpoint
-- Ids of attempts sort by time.
DROP INDEX "attempts_started";--> statement-breakpoint
ALTER TABLE "effects" SET (fillfactor = 80);--> statement-breakpoint
ALTER TABLE "attempts" SET (fillfactor = 90);
