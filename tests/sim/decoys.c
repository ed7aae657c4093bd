/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/decoys.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sig/host/tenant_tables.h"
#include "tests/sim/phone_call.h"
#include "tests/sim/sim.h"

#define ACME        "acme"
#define ACME_DOMAIN "acme.local"
enum { REFUSED_S = 60 }; /* until all of it is written */

const char *g_sim_domain = "test.local";

void decoys_begin(struct sim *s)
{
	struct rand_source rand;
	bool plays_acme;

	rand_open_seed(&rand, s->seed ^ UINT64_C(0x74656e616e7473));
	s->decoys = !s->script && !s->harvest && rand_below(&rand, 2);
	plays_acme = s->decoys && rand_below(&rand, 2);
	if (s->script)
		s->decoys = plays_acme = s->script->tenant;
	g_sim_domain = plays_acme ? ACME_DOMAIN : "test.local";
}

bool decoys_acme_plays(void)
{
	return !strcmp(g_sim_domain, ACME_DOMAIN);
}

/* 0 is C's, 88 stands for 100, and 9 leads outside. */
static int plan_open(struct node *n)
{
	static const struct dial_plan plan = { .operator_number = "1003",
					       .rules = "88>100",
					       .access = "9" };
	int err = dial_plans_open(&n->dials, n->tenants);

	n->settings.dials = n->dials;
	return err ? err : dial_plans_put(n->dials, n->tenant, &plan);
}

/* What calls outside need is asked for by the flow of the story. */
static const char *account_flow(const struct node *n)
{
	return n->sim->script && n->sim->script->account ? "main" : "";
}

static uint16_t acme_put(struct node *n)
{
	struct tenant_settings set = { .name = ACME,
				       .realm = ACME_DOMAIN,
				       .disabled = n->sim->documents.shut_ns != 0,
				       .terms.park_spoken = n->sim->phones.spoken,
				       .domain_count = 1,
				       .domains = { ACME_DOMAIN } };
	uint16_t acme;
	int err;

	(void)bytes_cstr(bytes_str(account_flow(n)), set.terms.account_flow,
			 sizeof(set.terms.account_flow));
	err = tenants_put(n->tenants, &set, &acme);

	assert(!err);
	(void)err;
	return acme;
}

static void default_put(struct node *n)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.park_spoken = n->sim->phones.spoken };
	uint16_t number;
	int err;

	(void)bytes_cstr(bytes_str(account_flow(n)), set.terms.account_flow,
			 sizeof(set.terms.account_flow));
	err = tenants_put(n->tenants, &set, &number);

	assert(!err);
	(void)err;
}

void decoys_tenant_put(struct node *n)
{
	(void)acme_put(n);
}

/* Other shards may have a conference of its number; those of nodes that do not reach each other each have one. */
static void room_put(struct node *n)
{
	struct room_terms t = {
		.tenant = n->tenant, .max_members = 20, .talkers = 3, .rate = 16000
	};
	int err = rooms_open(&n->rooms, n->tenants);

	(void)bytes_cstr(BYTES_LIT(PHONE_ROOM), t.number, sizeof(t.number));
	if (n->sim->script ? n->sim->script->says_names : n->sim->seed % 8 == 7)
		t.entry = t.exit = ROOM_TONE_NAME;
	if (!err)
		err = rooms_put(n->rooms, &t);
	(void)bytes_cstr(BYTES_LIT(PHONE_FACTORY), t.number, sizeof(t.number));
	t.factory = true;
	if (!err)
		err = rooms_put(n->rooms, &t);
	assert(!err);
	(void)err;
	n->settings.rooms = n->rooms;
	n->settings.rooms_claimed = n->sim->links.on || n->sim->node_count == 1;
}

void decoys_open(struct node *n)
{
	static const struct hash_key key = { 3, 4 };
	uint16_t acme;
	int err = tenants_open(&n->tenants, &key);

	assert(!err);
	acme = acme_put(n);
	default_put(n);
	n->settings.tenants = n->tenants;
	n->settings.rooms = NULL;
	n->tenant = decoys_acme_plays() ? acme : TENANT_DEFAULT;
	n->other_tenant = decoys_acme_plays() ? TENANT_DEFAULT : acme;
	err = plan_open(n);
	assert(!err);
	if (n->sim->rooms || (n->sim->script && n->sim->script->room))
		room_put(n);
}

void decoys_close(struct node *n)
{
	dial_plans_close(n->dials);
	n->dials = NULL;
	rooms_close(n->rooms);
	n->rooms = NULL;
	tenants_close(n->tenants);
	n->tenants = NULL;
}

/* Each goes where its calls would be lost, did anybody else ask for it. */
static void decoy_put(struct shard *core, uint16_t tenant, uint32_t extension)
{
	const struct shard_forward away = { .always = "9999" };
	struct shard_extension e = { .tenant = tenant, .enabled = true };
	int err;

	(void)node_extension(extension, e.number);
	err = shard_extension_put(core, &e);
	if (!err)
		err = shard_forward_set(core, e.tenant, e.number, &away);
	assert(!err);
	(void)err;
}

void decoys_put(const struct node *n, struct shard *core)
{
	const struct sim *s = n->sim;

	for (uint32_t i = 0; s->decoys && i < s->phones.extension_count; i++)
		decoy_put(core, n->other_tenant, i);
}

static struct addr decoy_addr(void)
{
	struct addr a;
	int err = addr_parse(&a, BYTES_LIT("192.0.2.250:5060"));

	assert(!err);
	(void)err;
	return a;
}

static void decoy_bind(struct node *n, const char *number, const char *tenant)
{
	struct binding b = { .expires_utc_ms = node_now(n).utc_ms + 3600000,
			     .hop = { .remote = decoy_addr() },
			     .q = 1000 };
	struct aor a = { .version = 1, .count = 1, .room = 1, .bindings = &b };
	struct text record = { 0 };
	const char *reason;
	int err = text_set(&a.tenant, bytes_str(tenant)) | text_set(&a.user, bytes_str(number)) |
		  text_set(&b.contact, BYTES_LIT("sip:decoy@192.0.2.250:5060")) |
		  text_set(&b.call_id, BYTES_LIT("decoy"));

	if (!err)
		err = aor_encode(&a, NULL, &record);
	assert(!err);
	err = locations_restore(n->locations, text_bytes(&record), node_now(n), &reason);
	assert(!err || err == -EEXIST);
	text_clear(&a.tenant);
	text_clear(&a.user);
	text_clear(&b.contact);
	text_clear(&b.call_id);
	text_clear(&record);
}

void decoys_bind(struct node *n)
{
	const struct sim *s = n->sim;
	uint16_t subject = s->sabotage == SABOTAGE_TENANT ? n->tenant : n->other_tenant;
	char number[16];

	for (uint32_t i = 0; s->decoys && i < s->phones.extension_count; i++)
		decoy_bind(n, node_extension(i, number), tenants_name(n->tenants, subject));
}

void decoys_not_sent(struct sim *s, const struct addr *to)
{
	struct addr decoy = decoy_addr();

	if (addr_eq(to, &decoy))
		check_fail(s, "a phone of another tenant is sent something");
}

/* Who is disabled, or was a little ago, is refused in the name of the default tenant. */
static bool is_refused(const struct sim *s)
{
	const struct document_changes *d = &s->documents;

	return d->shut_ns || (d->opened_ns && s->now_ns < d->opened_ns + REFUSED_S * NS_PER_S);
}

/* Where the clock steps a decoy's registration ends, and whose it was is said. */
static bool is_of_decoy(const struct sig_event *event)
{
	return event->kind == SIG_UNREGISTERED;
}

/* ours: who is of no tenant. */
static struct bytes tenant_of(const struct effect *e, const char *ours)
{
	const struct request_cdrs *cdrs = e->request;

	if (e->kind == EFFECT_EVENT && !is_of_decoy(e->request))
		return bytes_str(((const struct sig_event *)e->request)->tenant);
	if (e->kind == EFFECT_CALL_END || e->kind == EFFECT_CALL_OPEN)
		return bytes_str(cdrs->list[cdrs->count - 1].tenant);
	if (e->kind == EFFECT_BINDING_SAVE || e->kind == EFFECT_BINDING_GET ||
	    effect_rows[e->kind].texts < 2)
		return bytes_str(ours);
	return text_bytes(e->request);
}

void decoys_not_named(struct node *n, const struct effect *e)
{
	const char *ours = tenants_name(n->tenants, n->tenant);
	if (!is_refused(n->sim) && !bytes_is(tenant_of(e, ours), ours))
		check_fail(n->sim, "another tenant is named");
}
