-- Refunds and disputes booked as the objects they are; texts, merges and stops that are stated as they happened.
--> statement-breakpoint
-- When each organization reported the opt-out of a phone: identifies the opt-out, which is confirmed once.
ALTER TABLE "phones" ADD COLUMN "opted_out_since" jsonb DEFAULT '{}'::jsonb NOT NULL;
