-- Sellers, their catalog, their people, and who changed what.
CREATE TABLE "account_links" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	CONSTRAINT "account_links_purpose" CHECK ("account_links"."purpose" in ('verify_email', 'reset_password'))
);
--> statement-breakpoint
CREATE TABLE "two_factors" (
	"id" uuid PRIMARY KEY NOT NULL,
	"secret" text NOT NULL,
	"backup_codes" text NOT NULL,
	"user_id" uuid NOT NULL,
	"verified" boolean DEFAULT true NOT NULL,
	"failed_verification_count" integer DEFAULT 0 NOT NULL,
	"locked_until" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"email" text NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"buyer_id" uuid,
	"supplier_id" uuid,
	"invited_by" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"accepted_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "invitations_role" CHECK ("invitations"."role" in ('seller', 'buyer', 'supplier', 'company')),
	CONSTRAINT "invitations_email_lower" CHECK ("invitations"."email" = lower("invitations"."email")),
	CONSTRAINT "invitations_of" CHECK (("invitations"."role" = 'buyer') = ("invitations"."buyer_id" is not null) and ("invitations"."role" = 'supplier') = ("invitations"."supplier_id" is not null))
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"organization_id" uuid NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "campaigns" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"category_id" uuid NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"price_minor" integer NOT NULL,
	"distribution_logic" text NOT NULL,
	"allow_state_selection" boolean DEFAULT true NOT NULL,
	"status" text DEFAULT 'ACTIVE' NOT NULL,
	"max_sales" integer,
	"lead_ttl_hours" integer DEFAULT 72 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "campaigns_of" UNIQUE("organization_id","id"),
	CONSTRAINT "campaigns_status" CHECK ("campaigns"."status" in ('ACTIVE', 'PAUSED', 'ARCHIVED')),
	CONSTRAINT "campaigns_logic" CHECK ("campaigns"."distribution_logic" in ('ROUND_ROBIN', 'WEIGHTED_ROUND_ROBIN', 'WATERFALL', 'BROADCAST')),
	CONSTRAINT "campaigns_price" CHECK ("campaigns"."price_minor" between 1 and 1000000),
	CONSTRAINT "campaigns_max_sales" CHECK ("campaigns"."max_sales" > 0),
	CONSTRAINT "campaigns_ttl" CHECK ("campaigns"."lead_ttl_hours" between 1 and 8760)
);
--> statement-breakpoint
CREATE TABLE "categories" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"fields" jsonb NOT NULL,
	"is_active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "categories_of" UNIQUE("organization_id","id"),
	CONSTRAINT "categories_fields" CHECK (jsonb_typeof("categories"."fields") = 'array')
);
--> statement-breakpoint
CREATE TABLE "sellers" (
	"organization_id" uuid PRIMARY KEY NOT NULL,
	"contact_name" text NOT NULL,
	"invite_code" text NOT NULL,
	"invite_code_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sms_markup_basis_points" integer DEFAULT 2000 NOT NULL,
	"email_markup_basis_points" integer DEFAULT 1500 NOT NULL,
	"platform_fee_basis_points" integer DEFAULT 500 NOT NULL,
	"time_zone" text DEFAULT 'America/New_York' NOT NULL,
	"branding" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"trial_ends_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sellers_invite_code_unique" UNIQUE("invite_code"),
	CONSTRAINT "sellers_invite_code" CHECK ("sellers"."invite_code" ~ '^[A-Z0-9]{8}$'),
	CONSTRAINT "sellers_shares" CHECK ("sellers"."sms_markup_basis_points" between 0 and 100000 and "sellers"."email_markup_basis_points" between 0 and 100000 and "sellers"."platform_fee_basis_points" between 0 and 10000)
);
--> statement-breakpoint
CREATE TABLE "subscriptions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"campaign_id" uuid NOT NULL,
	"buyer_id" uuid NOT NULL,
	"daily_cap" integer,
	"states" text[] DEFAULT '{}' NOT NULL,
	"status" text DEFAULT 'ACTIVE' NOT NULL,
	"waterfall_priority" integer,
	"last_distributed_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	CONSTRAINT "subscriptions_status" CHECK ("subscriptions"."status" in ('ACTIVE', 'PAUSED')),
	CONSTRAINT "subscriptions_cap" CHECK ("subscriptions"."daily_cap" > 0),
	CONSTRAINT "subscriptions_waterfall" CHECK ("subscriptions"."waterfall_priority" > 0)
);
--> statement-breakpoint
CREATE TABLE "supplier_categories" (
	"organization_id" uuid NOT NULL,
	"supplier_id" uuid NOT NULL,
	"category_id" uuid NOT NULL,
	CONSTRAINT "supplier_categories_supplier_id_category_id_pk" PRIMARY KEY("supplier_id","category_id")
);
--> statement-breakpoint
CREATE TABLE "suppliers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"status" text DEFAULT 'ACTIVE' NOT NULL,
	"test_mode" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "suppliers_of" UNIQUE("organization_id","id"),
	CONSTRAINT "suppliers_status" CHECK ("suppliers"."status" in ('ACTIVE', 'INACTIVE'))
);
--> statement-breakpoint
ALTER TABLE "members" DROP CONSTRAINT "members_role";--> statement-breakpoint
ALTER TABLE "buyers" ALTER COLUMN "phone" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "second_factor_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "organization_id" uuid;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "two_factor_enabled" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "user_id" uuid;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "company_name" text;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "priority" integer DEFAULT 5 NOT NULL;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "monthly_spending_limit_minor" bigint;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "weekly_spending_limit_minor" bigint;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "auto_recharge_enabled" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "auto_recharge_threshold_minor" bigint;--> statement-breakpoint
ALTER TABLE "buyers" ADD COLUMN "auto_recharge_amount_minor" bigint;--> statement-breakpoint
ALTER TABLE "organizations" ADD COLUMN "requires_two_factor" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "account_links" ADD CONSTRAINT "account_links_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "two_factors" ADD CONSTRAINT "two_factors_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_buyer_id_buyers_id_fk" FOREIGN KEY ("buyer_id") REFERENCES "public"."buyers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_category_fk" FOREIGN KEY ("organization_id","category_id") REFERENCES "public"."categories"("organization_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "categories" ADD CONSTRAINT "categories_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sellers" ADD CONSTRAINT "sellers_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_campaign_fk" FOREIGN KEY ("organization_id","campaign_id") REFERENCES "public"."campaigns"("organization_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "buyers" ADD CONSTRAINT "buyers_of" UNIQUE("organization_id","id");--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_buyer_fk" FOREIGN KEY ("organization_id","buyer_id") REFERENCES "public"."buyers"("organization_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "supplier_categories" ADD CONSTRAINT "supplier_categories_supplier_fk" FOREIGN KEY ("organization_id","supplier_id") REFERENCES "public"."suppliers"("organization_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "supplier_categories" ADD CONSTRAINT "supplier_categories_category_fk" FOREIGN KEY ("organization_id","category_id") REFERENCES "public"."categories"("organization_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suppliers" ADD CONSTRAINT "suppliers_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "account_links_user" ON "account_links" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "account_links_expired" ON "account_links" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "two_factors_user" ON "two_factors" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "invitations_organization" ON "invitations" USING btree ("organization_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_open" ON "invitations" USING btree ("organization_id","email") WHERE accepted_at is null and revoked_at is null;--> statement-breakpoint
CREATE INDEX "audit_log_newest" ON "audit_log" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "audit_log_subject" ON "audit_log" USING btree ("organization_id","subject","id");--> statement-breakpoint
CREATE INDEX "campaigns_newest" ON "campaigns" USING btree ("organization_id","created_at","id");--> statement-breakpoint
CREATE INDEX "campaigns_category" ON "campaigns" USING btree ("category_id");--> statement-breakpoint
CREATE UNIQUE INDEX "categories_name" ON "categories" USING btree ("organization_id",lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "subscriptions_once" ON "subscriptions" USING btree ("campaign_id","buyer_id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "subscriptions_buyer" ON "subscriptions" USING btree ("buyer_id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "subscriptions_newest" ON "subscriptions" USING btree ("campaign_id","id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "leads_campaign" ON "leads" USING btree ("campaign_id") WHERE campaign_id is not null;--> statement-breakpoint
CREATE INDEX "supplier_categories_category" ON "supplier_categories" USING btree ("category_id");--> statement-breakpoint
CREATE UNIQUE INDEX "suppliers_email" ON "suppliers" USING btree ("organization_id",lower("email"));--> statement-breakpoint
CREATE INDEX "suppliers_newest" ON "suppliers" USING btree ("organization_id","created_at","id");--> statement-breakpoint
ALTER TABLE "buyers" ADD CONSTRAINT "buyers_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "buyers_user" ON "buyers" USING btree ("user_id","organization_id");--> statement-breakpoint
CREATE INDEX "buyers_newest" ON "buyers" USING btree ("organization_id","created_at","id","active");--> statement-breakpoint
CREATE INDEX "lead_unlocks_bought" ON "lead_unlocks" USING btree ("buyer_id","paid_at","id","price_minor","currency") WHERE paid_at is not null;--> statement-breakpoint
CREATE INDEX "leads_marketplace" ON "leads" USING btree ("organization_id","created_at","id","category_id") WHERE channel = 'marketplace';--> statement-breakpoint
-- Who only uploads the leads of a company is no seller of the marketplace.
UPDATE "members" m SET "role" = 'company' FROM "companies" c WHERE c."organization_id" = m."organization_id" AND m."role" = 'seller';--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_role" CHECK ("members"."role" in ('seller', 'buyer', 'supplier', 'company'));--> statement-breakpoint
ALTER TABLE "buyers" ADD CONSTRAINT "buyers_priority" CHECK ("buyers"."priority" between 1 and 10);--> statement-breakpoint
ALTER TABLE "buyers" ADD CONSTRAINT "buyers_limits" CHECK (least("buyers"."monthly_spending_limit_minor", "buyers"."weekly_spending_limit_minor", "buyers"."auto_recharge_threshold_minor", "buyers"."auto_recharge_amount_minor") > 0);