CREATE TABLE "companies" (
	"organization_id" uuid PRIMARY KEY NOT NULL,
	"owner_name" text NOT NULL,
	"owner_email" text NOT NULL,
	"owner_phone" text NOT NULL,
	"default_region" text DEFAULT 'US' NOT NULL,
	"dedupe_window_ms" bigint DEFAULT 2592000000 NOT NULL,
	"tags" text[] DEFAULT '{old_lead_reactivation}' NOT NULL,
	"source_label" text,
	"field_mapping" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "companies_window" CHECK ("companies"."dedupe_window_ms" >= 0)
);
--> statement-breakpoint
CREATE TABLE "crm_call_days" (
	"location_id" text NOT NULL,
	"day" text NOT NULL,
	"calls" integer DEFAULT 0 NOT NULL,
	"remaining" integer,
	CONSTRAINT "crm_call_days_location_id_day_pk" PRIMARY KEY("location_id","day")
);
--> statement-breakpoint
CREATE TABLE "crm_call_slots" (
	"location_id" text NOT NULL,
	"slot" integer NOT NULL,
	"taken_at" timestamp with time zone NOT NULL,
	CONSTRAINT "crm_call_slots_location_id_slot_pk" PRIMARY KEY("location_id","slot")
);
--> statement-breakpoint
CREATE TABLE "crm_connections" (
	"organization_id" uuid PRIMARY KEY NOT NULL,
	"location_id" text NOT NULL,
	"api_version" text DEFAULT 'v2' NOT NULL,
	"kind" text DEFAULT 'token' NOT NULL,
	"credentials" text,
	"access_expires_at" timestamp with time zone,
	"credentials_version" integer DEFAULT 0 NOT NULL,
	"rate_share" integer DEFAULT 100 NOT NULL,
	"refreshing_until" timestamp with time zone,
	"paused_at" timestamp with time zone,
	"pause_reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "crm_connections_version" CHECK ("crm_connections"."api_version" in ('v2', 'v1')),
	CONSTRAINT "crm_connections_kind" CHECK ("crm_connections"."kind" in ('token', 'oauth')),
	CONSTRAINT "crm_connections_share" CHECK ("crm_connections"."rate_share" between 1 and 100)
);
--> statement-breakpoint
CREATE TABLE "import_chunks" (
	"import_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"bytes" integer NOT NULL,
	"body" text NOT NULL,
	CONSTRAINT "import_chunks_import_id_number_pk" PRIMARY KEY("import_id","number")
);
--> statement-breakpoint
CREATE TABLE "import_rejects" (
	"import_id" uuid NOT NULL,
	"row" integer NOT NULL,
	"cells" text NOT NULL,
	"errors" jsonb NOT NULL,
	CONSTRAINT "import_rejects_import_id_row_pk" PRIMARY KEY("import_id","row")
);
--> statement-breakpoint
CREATE TABLE "imports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"status" text NOT NULL,
	"file_name" text NOT NULL,
	"file_hash" text,
	"bytes" bigint DEFAULT 0 NOT NULL,
	"chunks" integer DEFAULT 0 NOT NULL,
	"dialect" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"mapping" jsonb,
	"header" jsonb,
	"next_row" integer DEFAULT 0 NOT NULL,
	"total_rows" integer DEFAULT 0 NOT NULL,
	"created" integer DEFAULT 0 NOT NULL,
	"duplicates" integer DEFAULT 0 NOT NULL,
	"rejected" integer DEFAULT 0 NOT NULL,
	"problem" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "imports_status" CHECK ("imports"."status" in ('uploading', 'ready', 'running', 'done', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "known_phones" (
	"organization_id" uuid NOT NULL,
	"phone_hash" text NOT NULL,
	"lead_id" uuid NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "known_phones_organization_id_phone_hash_pk" PRIMARY KEY("organization_id","phone_hash")
);
--> statement-breakpoint
CREATE TABLE "lead_syncs" (
	"lead_id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"import_id" uuid,
	"status" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"worker" text,
	"contact_id" text,
	"written_hash" text,
	"error_code" text,
	"error" text,
	"dnd" boolean,
	"told_at" timestamp with time zone,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "lead_syncs_status" CHECK ("lead_syncs"."status" in ('pending', 'processing', 'success', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "members" (
	"organization_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "members_user_id_organization_id_pk" PRIMARY KEY("user_id","organization_id")
);
--> statement-breakpoint
CREATE TABLE "remembered_mappings" (
	"organization_id" uuid NOT NULL,
	"header_key" text NOT NULL,
	"mapping" jsonb NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "remembered_mappings_organization_id_header_key_pk" PRIMARY KEY("organization_id","header_key")
);
--> statement-breakpoint
CREATE TABLE "worker_holds" (
	"worker" text NOT NULL,
	"organization_id" uuid NOT NULL,
	"until" timestamp with time zone NOT NULL,
	"reason" text NOT NULL,
	CONSTRAINT "worker_holds_worker_organization_id_pk" PRIMARY KEY("worker","organization_id")
);
--> statement-breakpoint
ALTER TABLE "leads" ADD COLUMN "import_id" uuid;--> statement-breakpoint
ALTER TABLE "leads" ADD COLUMN "uploaded" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "companies" ADD CONSTRAINT "companies_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "crm_connections" ADD CONSTRAINT "crm_connections_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "import_chunks" ADD CONSTRAINT "import_chunks_import_id_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."imports"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "import_rejects" ADD CONSTRAINT "import_rejects_import_id_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."imports"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "imports" ADD CONSTRAINT "imports_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lead_syncs" ADD CONSTRAINT "lead_syncs_lead_id_leads_id_fk" FOREIGN KEY ("lead_id") REFERENCES "public"."leads"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "companies_owner_email" ON "companies" USING btree (lower("owner_email"));--> statement-breakpoint
CREATE UNIQUE INDEX "crm_connections_location" ON "crm_connections" USING btree ("location_id");--> statement-breakpoint
CREATE INDEX "imports_newest" ON "imports" USING btree ("organization_id","created_at","id");--> statement-breakpoint
CREATE INDEX "imports_file" ON "imports" USING btree ("organization_id","file_hash");--> statement-breakpoint
CREATE INDEX "imports_unfinished" ON "imports" USING btree ("updated_at") WHERE status in ('uploading', 'ready');--> statement-breakpoint
CREATE INDEX "lead_syncs_status" ON "lead_syncs" USING btree ("organization_id","status","updated_at");--> statement-breakpoint
CREATE INDEX "lead_syncs_import" ON "lead_syncs" USING btree ("import_id","status");--> statement-breakpoint
CREATE INDEX "lead_syncs_contact" ON "lead_syncs" USING btree ("organization_id","contact_id");--> statement-breakpoint
CREATE INDEX "members_organization" ON "members" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "leads_import" ON "leads" USING btree ("import_id","id") WHERE import_id is not null;--> statement-breakpoint
CREATE INDEX "leads_uploaded" ON "leads" USING btree ("organization_id","id") WHERE uploaded;