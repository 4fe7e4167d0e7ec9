-- One tenant cannot hurt another.

-- Fair queues: the share of an organization in every queue, as a multiple of the others'.
ALTER TABLE "organizations" ADD COLUMN "queue_weight" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "organizations" ADD CONSTRAINT "organizations_queue_weight" CHECK ("queue_weight" between 1 and 100);--> statement-breakpoint
CREATE INDEX "organizations_weighted" ON "organizations" USING btree ("queue_weight") WHERE queue_weight <> 1;--> statement-breakpoint

-- Opt-outs that an organization reported through its own key count for that organization.
ALTER TABLE "phones" ADD COLUMN "opted_out_of" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint

-- Every supplier's key names its supplier. An existing key is a supplier of its own; who sent an existing lead is unknown.
ALTER TABLE "api_keys" ADD COLUMN "supplier_id" uuid;--> statement-breakpoint
UPDATE "api_keys" SET "supplier_id" = "id" WHERE "owner" = 'supplier';--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_supplier" CHECK (("api_keys"."owner" = 'supplier') = ("api_keys"."supplier_id" is not null));--> statement-breakpoint
CREATE INDEX "leads_supplier" ON "leads" USING btree ("organization_id","supplier_id","created_at","id") WHERE supplier_id is not null;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "price_floors" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
