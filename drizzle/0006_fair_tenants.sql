-- One tenant cannot hurt another.

-- Fair queues: the share of an organization in every queue, as a multiple of the others'.
ALTER TABLE "organizations" ADD COLUMN "queue_weight" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "organizations" ADD CONSTRAINT "organizations_queue_weight" CHECK ("queue_weight" between 1 and 100);--> statement-breakpoint
CREATE INDEX "organizations_weighted" ON "organizations" USING btree ("queue_weight") WHERE queue_weight <> 1;--> statement-breakpoint

-- Opt-outs that an organization reported through its own key count for that organization.
ALTER TABLE "phones" ADD COLUMN "opted_out_of" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
