/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the documents of this node equal to Redis: follows the log, compares versions when the log
 * may have missed something, and restores what Redis lost. document.c reports its own changes here.
 * Generations of tenants prove completeness: a gap in them, another history or a lower generation
 * leads to a comparison. One comparison or restore runs at a time.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/document_keep.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_wait.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

static void directory_sync_start(struct node *n, uint32_t i);

int tenancy_open(struct node *n)
{
	n->api.tenancy = calloc(1, sizeof(*n->api.tenancy));
	if (!n->api.tenancy)
		return -ENOMEM;
	profiles_open(&n->api.tenancy->none, TENANT_NONE);
	return 0;
}

void tenancy_close(struct node *n)
{
	for (size_t i = 0; n->api.tenancy && i < TENANTS_MAX; i++)
		free(n->api.tenancy->profiles[i]);
	free(n->api.tenancy);
	n->api.tenancy = NULL;
}

const char *document_realm(const struct node *n, uint16_t tenant)
{
	if (tenant == TENANT_DEFAULT)
		return n->settings->sip.realm;
	return tenant == TENANT_NONE ? "" : tenants_realm(n->common.tenants, tenant);
}

const struct profiles *document_profiles(const struct node *n, uint16_t tenant)
{
	const struct profiles *own = tenant < TENANTS_MAX ? n->api.tenancy->profiles[tenant] : NULL;

	return own ? own : &n->api.tenancy->none;
}

struct profiles *document_profiles_own(struct node *n, uint16_t tenant)
{
	struct profiles **own;

	if (tenant >= TENANTS_MAX)
		return NULL;
	own = &n->api.tenancy->profiles[tenant];
	if (!*own && (*own = calloc(1, sizeof(**own))) != NULL)
		profiles_open(*own, tenant);
	return *own;
}

void document_profiles_delete(struct node *n, uint16_t tenant)
{
	uint32_t cursor = 0;
	struct shard *core;

	while ((core = node_core_next(n, &cursor)))
		shard_profiles_delete(core, tenant);
	free(n->api.tenancy->profiles[tenant]);
	n->api.tenancy->profiles[tenant] = NULL;
}

#define LOOK_NS    (10 * NS_PER_S)
#define EXPECT_NS  (1 * NS_PER_S)
#define PATIENT_NS (NS_PER_S / 4) /* with a command that waits */
#define RETRY_NS   (2 * NS_PER_S)

static struct {
	metric_id followed, compared, taken;
} g_directory_metrics;

void directory_setup(void)
{
	g_directory_metrics.followed =
		metric_register(METRIC_COUNTER, "tandem_documents_followed_total", NULL,
				"Changes of documents that the log told and that were not known.");
	g_directory_metrics.compared =
		metric_register(METRIC_COUNTER, "tandem_documents_compared_total", NULL,
				"Times all documents of a tenant were compared with Redis.");
	g_directory_metrics.taken = metric_register(
		METRIC_COUNTER, "tandem_documents_missed_total", NULL,
		"Documents that were found by comparing, because no log had told of them.");
}

/* ---- tenants ---- */

struct directory_tenant *directory_tenant(const struct directory *d, struct bytes name)
{
	for (uint32_t i = 0; i < d->tenant_count; i++) {
		if (bytes_is(name, d->tenants[i].name))
			return &d->tenants[i];
	}
	return NULL;
}

const char *directory_name(uint32_t i, void *arg)
{
	static const char *const first[] = { DIRECTORY_OPERATORS, NODE_TENANT };
	const struct node *n = arg;
	const struct directory *d = &n->api.documents->directory;

	if (i < d->tenant_count)
		return d->tenants[i].name;
	return d->tenant_count == 0 && i < COUNT_OF(first) ? first[i] : NULL;
}

struct directory_tenant *directory_tenant_add(struct directory *d, struct bytes name)
{
	struct directory_tenant *t = directory_tenant(d, name), *all;

	if (t)
		return t;
	all = reallocarray(d->tenants, d->tenant_count + 1, sizeof(*all));
	if (!all)
		return NULL;
	d->tenants = all;
	t = &all[d->tenant_count];
	*t = (struct directory_tenant){ 0 };
	if (bytes_cstr(name, t->name, sizeof(t->name)))
		return NULL;
	d->tenant_count++;
	return t;
}

static void sync_next(struct node *n)
{
	struct directory *d = &n->api.documents->directory;

	for (uint32_t i = 0; i < d->tenant_count; i++) {
		if (d->tenants[i].differs) {
			metric_add(g_directory_metrics.compared, 1);
			directory_sync_start(n, i);
			return;
		}
	}
}

static bool is_any_lost(const struct directory *d)
{
	for (uint32_t i = 0; i < d->tenant_count; i++) {
		if (d->tenants[i].lost)
			return true;
	}
	return false;
}

/* The next thing to do, if nothing is under way. */
static void directory_turn(struct node *n)
{
	struct directory *d = &n->api.documents->directory;

	if (n->life->phase != NODE_RUNNING || d->looking || d->sync ||
	    n->api.documents->keep.restoring)
		return;
	if (is_any_lost(d)) {
		if (clock_now_ns() >= d->sync_ns)
			document_restore_start(n);
		return;
	}
	if (clock_now_ns() >= d->sync_ns)
		sync_next(n);
	if (!d->sync)
		document_resume(n);
}

/* At start all are loaded that there are. */
void directory_add(struct node *n, const char *tenant)
{
	struct directory *d = &n->api.documents->directory;
	bool known = directory_tenant(d, bytes_str(tenant)) != NULL;
	struct directory_tenant *t = directory_tenant_add(d, bytes_str(tenant));

	if (!t) {
		LOG_ERROR("documents", 0, "no memory for a tenant", LOG_STR("tenant", tenant));
	} else if (!known) {
		t->differs = true;
		directory_turn(n);
	}
}

/* ---- changes ---- */

int directory_change(struct node *n, const struct snapshot_document *d)
{
	uint64_t have = mirror_version(&n->api.documents->keep.mirror, d->tenant, d->kind, d->name);

	return d->version > have ? document_accept(n, d) : 0;
}

void directory_made(struct node *n, struct bytes tenant, uint64_t version)
{
	struct directory_tenant *t = directory_tenant(&n->api.documents->directory, tenant);

	if (t)
		(void)seen_add(&t->seen, version);
}

/* Mostly the log had the change in between before Redis refused. */
void directory_refused(struct node *n, struct bytes tenant, uint64_t known, uint64_t generation)
{
	struct directory *d = &n->api.documents->directory;
	struct directory_tenant *t = directory_tenant(d, tenant);

	if (!t || (known < t->seen.all && generation <= t->seen.all))
		return;
	if (generation < t->seen.all) {
		directory_look(n);
	} else if (generation > t->seen.all) {
		t->expected = generation > t->expected ? generation : t->expected;
		if (d->expect_ns > clock_now_ns() + PATIENT_NS) /* it waits no longer */
			d->expect_ns = clock_now_ns() + PATIENT_NS;
	} else {
		t->differs = true;
		directory_turn(n);
	}
}

bool directory_is_current(const struct node *n, struct bytes tenant, uint64_t generation)
{
	const struct directory *d = &n->api.documents->directory;
	const struct directory_tenant *t = directory_tenant(d, tenant);

	return !t || (!d->looking && !d->sync && !n->api.documents->keep.restoring && !t->lost &&
		      !t->differs && t->seen.all >= generation);
}

/* ---- the log ---- */

static struct snapshot_document entry_document(const struct document_entry *e)
{
	return (struct snapshot_document){ .tenant = e->tenant,
					   .kind = e->kind,
					   .name = e->name,
					   .version = e->version,
					   .text = e->json };
}

static void directory_apply_entry(struct node *n, const struct document_entry *e)
{
	const struct snapshot_document document = entry_document(e);
	const struct mirror *mirror = &n->api.documents->keep.mirror;

	if (document.version <= mirror_version(mirror, e->tenant, e->kind, e->name))
		return;
	metric_add(g_directory_metrics.followed, 1);
	if (!document_refuse_gone(n, &document))
		(void)document_accept(n, &document);
}

/* A restored document has its old version, which says nothing of versions in between. */
static void directory_on_entry(const struct document_entry *e, void *arg)
{
	struct node *n = arg;
	struct directory *d = &n->api.documents->directory;
	struct directory_tenant *t = directory_tenant(d, e->tenant);

	if (!t)
		return;
	if (!bytes_is(e->history, d->history))
		d->look_ns = 0;
	if (e->event == DOCUMENT_RESTORE) {
		directory_apply_entry(n, e);
		return;
	}
	switch (seen_add(&t->seen, e->version)) {
	case SEEN_OLD: /* a set: its versions count before its documents are moved */
		if (mirror_gone_version(&n->api.documents->keep.mirror, e->tenant, e->kind,
					e->name) < e->version)
			directory_apply_entry(n, e);
		return;
	case SEEN_GAP:
		t->differs = true;
		directory_apply_entry(n, e);
		return;
	case SEEN_NEXT:
		directory_apply_entry(n, e);
		return;
	}
}

static void directory_on_read(void *arg)
{
	directory_turn(arg);
}

static void features_doubt(struct node *n)
{
	FEATURE_EACH (f) {
		if (f->doubt)
			f->doubt(n);
	}
}

static void directory_on_connected(void *arg)
{
	features_doubt(arg);
	directory_look(arg);
}

/* ---- looking ---- */

static void look_next(struct node *n);

static void history_set(struct directory *d, struct bytes history)
{
	if (bytes_cstr(history, d->history, sizeof(d->history)))
		d->history[0] = '\0'; /* written by hand: an unknown history */
}

static void tenant_looked(struct node *n, struct directory_tenant *t, uint64_t generation,
			  bool anew)
{
	struct directory *d = &n->api.documents->directory;

	if (generation < t->seen.all || (anew && t->seen.all)) {
		t->lost = true;
		LOG_ERROR("documents", 0, "Redis has lost documents: putting them back",
			  LOG_STR("tenant", t->name), LOG_U64("generation", generation),
			  LOG_U64("expected", t->seen.all));
	} else if (generation > t->seen.all) {
		t->expected = generation;
		if (d->expect_ns == UINT64_MAX)
			d->expect_ns = clock_now_ns() + EXPECT_NS;
	}
}

/* The stream was made anew, with lower numbers: its entries so far are part of this comparison. */
static void log_looked(struct directory *d, struct bytes newest)
{
	if (!document_log_is_newer(d->log, newest))
		return;
	document_log_seek(d->log, newest);
	for (uint32_t i = 0; i < d->tenant_count; i++)
		d->tenants[i].differs = true;
}

static uint32_t look_count(const struct directory *d)
{
	uint32_t left = d->tenant_count - d->looked;

	return left < STORE_LOOK_MAX ? left : (uint32_t)STORE_LOOK_MAX;
}

static void directory_on_look(struct node *n, const struct store_look *look)
{
	struct directory *d = &n->api.documents->directory;
	bool anew = !bytes_is(look->history, d->history);
	uint32_t count = look_count(d);

	for (uint32_t i = 0; i < count; i++)
		tenant_looked(n, &d->tenants[d->looked + i], store_look_generation(look, i), anew);
	d->looked += count;
	log_looked(d, look->newest);
	if (d->looked < d->tenant_count) {
		look_next(n);
		return;
	}
	if (look->history.n)
		history_set(d, look->history);
	d->looking = false;
}

static void on_looked(const struct store_look *look, void *arg)
{
	struct node *n = arg;
	struct directory *d = &n->api.documents->directory;

	if (n->life->phase != NODE_RUNNING || look->result != STORE_OK) {
		d->looking = false;
		d->look_ns = clock_now_ns() + RETRY_NS;
		return;
	}
	directory_on_look(n, look);
	directory_turn(n);
}

static void directory_query(struct node *n, struct bytes history, store_look_fn *looked)
{
	const struct directory *d = &n->api.documents->directory;
	struct bytes names[STORE_LOOK_MAX];
	uint32_t count = look_count(d);

	for (uint32_t i = 0; i < count; i++)
		names[i] = bytes_str(d->tenants[d->looked + i].name);
	store_documents_look(n->redis->store, names, count, history, looked, n);
}

static void look_next(struct node *n)
{
	directory_query(n, (struct bytes){ 0 }, on_looked);
}

void directory_look(struct node *n)
{
	struct directory *d = &n->api.documents->directory;

	if (n->life->phase != NODE_RUNNING || !d->log)
		return;
	if (d->looking || d->sync || n->api.documents->keep.restoring) {
		d->look_ns = 0; /* once more, behind it */
		return;
	}
	d->looking = true;
	d->looked = 0;
	d->look_ns = clock_now_ns() + LOOK_NS;
	look_next(n);
}

/* ---- one thing after the other ---- */

/* taken: documents that differed. */
static void directory_synced(struct node *n, uint32_t i, bool ok, uint64_t generation,
			     uint32_t taken)
{
	struct directory *d = &n->api.documents->directory;
	struct directory_tenant *t = &d->tenants[i];

	d->sync = NULL;
	if (ok) {
		if (generation >= t->seen.all)
			seen_start(&t->seen, generation);
		t->differs = seen_lacks(&t->seen);
		metric_add(g_directory_metrics.taken, taken);
		LOG_INFO("documents", 0, "compared with Redis", LOG_STR("tenant", t->name),
			 LOG_U64("generation", generation), LOG_U64("taken", taken));
	} else {
		d->sync_ns = clock_now_ns() + RETRY_NS;
		d->look_ns = 0; /* Redis may have been emptied meanwhile */
	}
	directory_turn(n);
}

void directory_restored(struct node *n, bool ok)
{
	struct directory *d = &n->api.documents->directory;

	for (uint32_t i = 0; i < d->tenant_count; i++) {
		struct directory_tenant *t = &d->tenants[i];

		t->differs |= ok && t->lost; /* another node may have put back what we lack */
		t->lost &= !ok;
	}
	n->api.documents->programs.next_ns = 0; /* their texts are lost as well */
	if (ok)
		features_doubt(n);
	else
		d->sync_ns = clock_now_ns() + RETRY_NS;
	directory_turn(n);
}

/* ---- time ---- */

static void expect_end(struct directory *d)
{
	d->expect_ns = UINT64_MAX;
	for (uint32_t i = 0; i < d->tenant_count; i++)
		d->tenants[i].differs |= d->tenants[i].expected > d->tenants[i].seen.all;
}

void directory_beat(struct node *n, uint64_t now_ns)
{
	struct directory *d = &n->api.documents->directory;

	if (now_ns >= d->look_ns && store_shared_is_healthy(n->redis->store))
		directory_look(n);
	directory_turn(n);
}

void directory_flush(struct node *n)
{
	if (n->api.documents->directory.log)
		document_log_flush(n->api.documents->directory.log);
}

void directory_expire(struct node *n, uint64_t now_ns)
{
	struct directory *d = &n->api.documents->directory;

	if (d->log)
		document_log_expire(d->log, now_ns);
	if (now_ns >= d->expect_ns) {
		expect_end(d);
		directory_turn(n);
	}
}

uint64_t directory_next_ns(const struct node *n)
{
	const struct directory *d = &n->api.documents->directory;
	uint64_t next = d->log ? document_log_next_ns(d->log) : UINT64_MAX;

	return d->log && d->expect_ns < next ? d->expect_ns : next;
}

/* ---- start and end ---- */

/* For a Redis that has none. */
static struct bytes history_new(struct node *n, char buf[STORE_HISTORY_MAX])
{
	struct writer w = writer_over(buf, STORE_HISTORY_MAX);
	uint64_t random = rand_u64_from(&n->rand);

	writer_hex(&w, bytes_mem(&random, sizeof(random)));
	return writer_done(&w);
}

static void on_looked_at_start(const struct store_look *look, void *arg)
{
	struct node *n = arg;
	struct directory *d = &n->api.documents->directory;
	uint32_t count = look_count(d);

	if (look->result == STORE_OK) {
		history_set(d, look->history);
		if (d->looked == 0 && bytes_cstr(look->newest, d->newest, sizeof(d->newest)))
			d->newest[0] = '\0';
		for (uint32_t i = 0; i < count; i++)
			seen_start(&d->tenants[d->looked + i].seen, store_look_generation(look, i));
		d->looked += count;
	}
	node_wait_end(look->result, 0, 0, n);
}

static void ask_keys(struct node *n, const void *arg)
{
	const uint32_t *from = arg;

	store_tenants_keys_check(n->redis->store, *from, node_wait_end, n);
}

static void ask_generations(struct node *n, const void *arg)
{
	char history[STORE_HISTORY_MAX];

	(void)arg;
	directory_query(n, history_new(n, history), on_looked_at_start);
}

int directory_look_at_start(struct node *n, uint32_t from)
{
	const struct node_question keys = { .what = "the types of the tenants' keys",
					    .ask = ask_keys,
					    .arg = &from };
	const struct node_question look = { .what = "the generations of the documents",
					    .ask = ask_generations,
					    .even_refused = true };
	struct directory *d = &n->api.documents->directory;
	int status =
		node_request(n, &keys); /* one that is of the wrong type would end every start */

	if (status)
		return status;
	d->looked = from;
	do {
		status = node_request(n, &look);
	} while (!status && d->looked < d->tenant_count);
	return status;
}

int directory_follow(struct node *n)
{
	struct directory *d = &n->api.documents->directory;
	const struct document_log_user user = { .entry = directory_on_entry,
						.read = directory_on_read,
						.connected = directory_on_connected,
						.arg = n };
	int err;

	d->look_ns = clock_now_ns() + LOOK_NS;
	d->expect_ns = UINT64_MAX;
	err = document_log_open(&d->log, &n->redis->place, bytes_str(d->newest), &user);
	if (err)
		LOG_ERROR("node", 0, "cannot follow the documents",
			  LOG_STR("error", strerror(-err)));
	return err ? NODE_EXIT_FAILED : NODE_EXIT_OK;
}

void directory_stop(struct node *n)
{
	document_log_close(n->api.documents->directory.log);
	n->api.documents->directory.log = NULL;
}

void directory_close(struct node *n)
{
	struct directory *d = &n->api.documents->directory;

	directory_stop(n);
	free(d->tenants);
	d->tenants = NULL;
	d->tenant_count = 0;
}

/* Compares a tenant's documents in Redis with the known ones: versions, then differing ones. */

enum { SYNC_WINDOW = 64, NAMES_STEP = 256 };

/* A document that differs. */
struct sync_name {
	const struct document_kind *kind;
	char name[SNAPSHOT_NAME_MAX + 1];
};

struct sync_fetch {
	struct directory_sync *sync;
	const struct sync_name *name; /* NULL: it is free */
};

struct directory_sync {
	struct node *node;
	uint32_t tenant; /* in directory.tenants */
	char tenant_name[SNAPSHOT_NAME_MAX + 1];
	uint64_t generation; /* all up to there is in what is read */
	size_t kind;
	uint32_t mark;
	struct sync_name *names;
	size_t count, room, next;
	struct sync_fetch fetches[SYNC_WINDOW];
	uint32_t in_flight, taken;
	bool failed;
};

static struct bytes sync_tenant(const struct directory_sync *s)
{
	return bytes_str(s->tenant_name);
}

static void sync_end(struct directory_sync *s)
{
	struct node *n = s->node;
	uint32_t tenant = s->tenant, taken = s->taken;
	uint64_t generation = s->generation;
	bool ok = !s->failed;

	free(s->names);
	free(s);
	directory_synced(n, tenant, ok, generation, taken);
}

/* ---- the documents that differ ---- */

static void sync_pump(struct directory_sync *s);

static void sync_on_found(struct directory_sync *s, const struct sync_name *name,
			  const struct store_found *found)
{
	struct snapshot_document d = { .tenant = sync_tenant(s),
				       .kind = bytes_str(name->kind->name),
				       .name = bytes_str(name->name),
				       .version = found->version,
				       .text = found->json };
	uint64_t have =
		mirror_version(&s->node->api.documents->keep.mirror, d.tenant, d.kind, d.name);

	if (have > found->generation)
		return; /* the log was faster */
	if (found->there && !found->json.n) {
		LOG_ERROR("documents", 0, "a document is empty or too long",
			  LOG_STR("kind", name->kind->name), LOG_STR("name", name->name));
		return;
	}
	if (found->there ? have == found->version : !have)
		return;
	if (!found->there)
		d.version = found->generation;
	s->taken++;
	if (!document_refuse_gone(s->node, &d))
		(void)document_accept(s->node, &d);
}

static void on_found(const struct store_found *found, void *arg)
{
	struct sync_fetch *fetch = arg;
	struct directory_sync *s = fetch->sync;

	s->in_flight--;
	if (found->result == STORE_OK)
		sync_on_found(s, fetch->name, found);
	else
		s->failed = true;
	fetch->name = NULL;
	sync_pump(s);
}

static struct sync_fetch *sync_fetch_find_free(struct directory_sync *s)
{
	for (size_t i = 0; i < SYNC_WINDOW; i++) {
		if (!s->fetches[i].name)
			return &s->fetches[i];
	}
	return NULL;
}

static void sync_pump(struct directory_sync *s)
{
	struct sync_fetch *fetch;

	while (!s->failed && s->next < s->count && (fetch = sync_fetch_find_free(s)) != NULL) {
		fetch->sync = s;
		fetch->name = &s->names[s->next++];
		s->in_flight++;
		store_document_read(s->node->redis->store, sync_tenant(s), fetch->name->kind->name,
				    bytes_str(fetch->name->name), on_found, fetch);
	}
	if (!s->in_flight)
		sync_end(s);
}

/* ---- versions ---- */

/* Operators' kinds, or all others. */
static void kind_skip(struct directory_sync *s)
{
	bool operators = bytes_is(sync_tenant(s), DIRECTORY_OPERATORS);

	while (g_document_kinds[s->kind] && g_document_kinds[s->kind]->of_operators != operators)
		s->kind++;
}

static void versions_read(struct directory_sync *s);

static void sync_name_add(struct directory_sync *s, struct bytes name)
{
	struct sync_name *all, *one;

	if (s->count == s->room) {
		all = reallocarray(s->names, s->room * 2 + NAMES_STEP, sizeof(*all));
		if (!all) {
			s->failed = true;
			return;
		}
		s->names = all;
		s->room = s->room * 2 + NAMES_STEP;
	}
	one = &s->names[s->count];
	one->kind = g_document_kinds[s->kind];
	if (!bytes_cstr(name, one->name, sizeof(one->name)))
		s->count++; /* else it is longer than any name: no document of ours */
}

static void on_version(struct bytes name, uint64_t version, void *arg)
{
	struct directory_sync *s = arg;
	const struct snapshot_document d = { .tenant = sync_tenant(s),
					     .kind = bytes_str(g_document_kinds[s->kind]->name),
					     .name = name };
	struct mirror *mirror = &s->node->api.documents->keep.mirror;

	mirror_mark(mirror, &d, s->mark);
	if (!version || mirror_version(mirror, d.tenant, d.kind, name) != version)
		sync_name_add(s, name);
}

/* What is known and has no version there. */
static void missing_add(struct directory_sync *s)
{
	const struct mirror *mirror = &s->node->api.documents->keep.mirror;
	struct snapshot_document d;
	uint32_t cursor = 0;

	while (mirror_next_unmarked(mirror, s->mark, &cursor, &d)) {
		if (bytes_eq(d.tenant, sync_tenant(s)) &&
		    bytes_is(d.kind, g_document_kinds[s->kind]->name))
			sync_name_add(s, d.name);
	}
}

static void on_versions(enum store_result result, uint64_t key, uint64_t count, void *arg)
{
	struct directory_sync *s = arg;

	(void)key;
	(void)count;
	if (result == STORE_OK)
		missing_add(s);
	else
		s->failed = true;
	s->kind++;
	kind_skip(s);
	if (!s->failed && g_document_kinds[s->kind])
		versions_read(s);
	else
		sync_pump(s);
}

static void versions_read(struct directory_sync *s)
{
	store_document_versions(s->node->redis->store, sync_tenant(s),
				g_document_kinds[s->kind]->name, on_version, on_versions, s);
}

/* ---- the generation before all that ---- */

static void sync_on_look(const struct store_look *look, void *arg)
{
	struct directory_sync *s = arg;

	s->generation = store_look_generation(look, 0);
	s->failed = look->result != STORE_OK ||
		    !bytes_is(look->history, s->node->api.documents->directory.history);
	kind_skip(s);
	if (s->failed)
		sync_end(s);
	else
		versions_read(s);
}

/* Compares Redis with what is known of the i-th tenant, and takes differences.
 * Ends in directory_synced. */
static void directory_sync_start(struct node *n, uint32_t i)
{
	static uint32_t mark; /* control thread alone */
	struct directory *d = &n->api.documents->directory;
	struct directory_sync *s = calloc(1, sizeof(*s));
	struct bytes tenant;

	if (!s) {
		directory_synced(n, i, false, 0, 0);
		return;
	}
	s->node = n;
	s->tenant = i;
	s->mark = ++mark ? mark : ++mark;
	memcpy(s->tenant_name, d->tenants[i].name, sizeof(s->tenant_name));
	d->sync = s;
	tenant = sync_tenant(s);
	store_documents_look(n->redis->store, &tenant, 1, (struct bytes){ 0 }, sync_on_look, s);
}
