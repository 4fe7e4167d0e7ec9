-- One tenant cannot hurt another.

-- Fair queues: the share of an organization in every queue, as a multiple of the others'.
ALTER TABLE "organizations" ADD COLUMN "queue_weight" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "organizations" ADD CONSTRAINT "organizations_queue_weight" CHECK ("queue_weight" between 1 and 100);--> statement-breakpoint
CREATE INDEX "organizations_weighted" ON "organizations" USING btree ("queue_weight") WHERE queue_weight <> 1;--> statement-breakpoint

-- API keys end with the person who made them. Null for keys made on the command line, and for earlier ones.
ALTER TABLE "api_keys" ADD COLUMN "created_by" text;--> statement-breakpoint
CREATE INDEX "api_keys_created_by" ON "api_keys" USING btree ("created_by") WHERE "created_by" IS NOT NULL;--> statement-breakpoint
