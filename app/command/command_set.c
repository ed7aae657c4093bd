/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of documents (ADR 112): many are checked together, staged in Redis piece by piece, and count
 * from one write on. All of it runs in turns of a millisecond, so calls do not wait. One set after
 * the other. Control thread.
 */
#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command_set.h"
#include "app/command/command_start.h"
#include "app/command/commands.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_wait.h"
#include "base/clock.h"
#include "base/log.h"

#define SET_TURN_NS    NS_PER_MS
#define SET_RETRY_NS   (50 * NS_PER_MS)
#define SET_PATIENT_NS (20 * NS_PER_S)
#define STAGE_LIFE_NS  (600 * NS_PER_S)

enum {
	SET_SHOWN_MAX = 1000,        /* changes in an answer */
	SET_PIECE_OCTETS = 1 << 17,  /* of entries that are written at once */
	STAGE_OCTETS_MAX = 64 << 20, /* of all */
	STAGES_MAX = 16,
	STAGED_MAX = 8, /* pieces on their way */
	SETS_WAITING_MAX = 16,
	RANK_DELETED = 1 << 8,
	RANK_SAME = 1 << 10,
};

struct set_stage {
	char id[SET_NAME_MAX], tenant[COMMAND_TENANT_MAX];
	char owner[COMMAND_BY_MAX]; /* nobody else's parts come to it */
	json_t *documents;          /* NULL: free */
	uint32_t parts;
	uint64_t until_ns; /* whatever comes meanwhile: nobody has it for ever */
	struct fair_held place, octets;
};

struct sets {
	struct set_job *first;
	struct set_stage stages[STAGES_MAX];
	struct fair places, octets, waiting; /* stages and jobs by tenant, token and user */
};

static struct sets *sets_of(const struct command_run *run)
{
	return run->node->api.sets;
}

/* ---- the end ---- */

static void set_job_clear(struct set_job *job)
{
	for (uint32_t i = 0; i < job->count; i++) {
		set_item_clear(&job->items[i]);
		json_decref(job->items[i].args);
	}
	job->count = job->i = job->moves = 0;
	job->again_ns = 0;
	job->error_count = 0;
	(void)json_object_clear(job->naming);
	(void)json_object_clear(job->numbers);
	(void)json_array_clear(job->errors);
	(void)json_array_clear(job->warnings);
}

static void set_job_free(struct set_job *job)
{
	set_job_clear(job);
	free(job->items);
	json_decref(job->documents);
	json_decref(job->naming);
	json_decref(job->numbers);
	json_decref(job->errors);
	json_decref(job->warnings);
	free(job->text);
	free(job);
}

/* Its run has ended. */
static void set_job_end(struct set_job *job)
{
	struct sets *sets = job->sets;

	assert(sets->first == job && !job->asked);
	fair_give(&sets->waiting, &job->held);
	sets->first = job->next;
	set_job_free(job);
}

static void set_job_refuse(struct set_job *job)
{
	const json_t *first = json_array_get(job->errors, 0);
	struct command_error error = { .code = COMMAND_BAD_ARGUMENT, .argument = "documents" };
	json_t *answer;

	(void)snprintf(error.message, sizeof(error.message),
		       "nothing was changed: %zu errors; the first, in document %d: %s",
		       job->error_count,
		       (int)json_integer_value(json_object_get(first, "document")),
		       json_string_value(json_object_get(first, "message")));
	answer = command_error_json(&error);
	(void)json_object_set(json_object_get(answer, "error"), "errors", job->errors);
	command_end(job->run, answer);
	set_job_end(job);
}

static void set_job_fail(struct set_job *job, enum command_error_code code, const char *message)
{
	command_fail(job->run, code, NULL, "%s", message);
	set_job_end(job);
}

static json_t *change_json(const struct set_item *item)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:O*}", "change",
			 item->change == SET_DELETE ? "deleted"
			 : item->is_new             ? "created"
						    : "changed",
			 "kind", item->kind->name, "tenant", item->tenant, "name", item->name,
			 "document", item->args ? (json_int_t)item->document : -1, "fields",
			 item->differs);
}

static void set_job_answer(struct set_job *job, const char *state, uint32_t version)
{
	const struct set_version *v = &job->value.versions[0];
	json_t *changes = json_array();

	for (uint32_t i = 0; i < job->moves && i < SET_SHOWN_MAX; i++)
		(void)json_array_append_new(changes, change_json(&job->items[i]));
	command_answer(job->run,
		       json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:b, s:O}", "name",
				 job->value.name, "state", state, "version", (json_int_t)version,
				 "created", (json_int_t)v->created, "changed",
				 (json_int_t)v->changed, "deleted", (json_int_t)v->deleted,
				 "unchanged",
				 (json_int_t)(v->entries - v->created - v->changed - v->deleted),
				 "changes", changes, "more", job->moves > SET_SHOWN_MAX, "warnings",
				 job->warnings));
	set_job_end(job);
}

/* ---- what the set had ---- */

static void set_job_on_entry(uint32_t i, struct bytes text, void *arg)
{
	struct set_job *job = arg;
	struct set_entry e;
	struct set_item *item;
	char key[DOCUMENT_NAMING_MAX], kind[DOCUMENT_NAME_MAX];
	bool source = job->of && job->i < job->entries, goes = !source && (job->of || job->prune);

	(void)i;
	if (set_entry_read(&e, text) || e.change == SET_DELETE)
		return;
	document_naming(key, e.tenant, e.kind, e.name);
	if (json_object_get(job->naming, key))
		return;
	item = set_item_add(job);
	if (!item) {
		job->failed = true;
		return;
	}
	item->document = job->count - 1;
	item->kind = document_kind_find(e.kind);
	(void)bytes_cstr(e.kind, kind, sizeof(kind));
	item->put = command_put_of(kind);
	if (!item->kind || !item->put || bytes_cstr(e.tenant, item->tenant, sizeof(item->tenant)) ||
	    bytes_cstr(e.name, item->name, sizeof(item->name))) {
		job->count--;
		return;
	}
	(void)json_object_set_new(job->naming, key, json_boolean(!goes));
	item->text = source ? strndup((const char *)e.text.p, e.text.n) : NULL;
	job->failed |= source && !item->text;
	if ((source || goes) && job->run->of_tenant && !item->kind->of_operators &&
	    strcmp(item->tenant, job->run->tenant) != 0)
		set_error(job, item, NULL, "not_allowed", "it is a document of another tenant");
}

/* Redis has answered, or the node stops. */
static void set_job_asked(struct set_job *job, enum store_result result)
{
	job->asked--;
	job->failed |= result != STORE_OK;
	if (!job->asked && job->run->node->life->phase != NODE_RUNNING)
		set_job_fail(job, COMMAND_UNAVAILABLE, "the node stops");
}

static void set_job_on_read(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct set_job *job = arg;

	(void)key;
	(void)version;
	job->i += STORE_SET_PIECE;
	set_job_asked(job, result);
}

/* Of a rollback first the wanted version, then the present documents. */
static void set_job_read(struct set_job *job)
{
	uint32_t source = job->of ? job->entries : 0,
		 most = source + job->value.versions[0].entries;
	bool wanted = job->i < source;
	char key[SET_KEY_MAX];

	if (!wanted && job->i < source + STORE_SET_PIECE && job->i != source)
		job->i = source; /* pieces are whole */
	if (!job->before || job->i >= most) {
		job->phase = SET_MAKE;
		job->i = 0;
		return;
	}
	set_key(key, job->value.name, wanted ? &job->source : &job->value.versions[0]);
	job->asked++;
	store_set_read(job->run->node->redis->store,
		       &(struct store_set){ bytes_str(job->run->tenant), key },
		       wanted ? job->i : job->i - source, STORE_SET_PIECE, set_job_on_entry,
		       set_job_on_read, job);
}

/* ---- turns ---- */

/* What a set says of names holds while something of it is checked. */
static void set_job_naming(struct set_job *job, bool on)
{
	job->run->node->api.documents->naming = on ? job->naming : NULL;
}

static void set_job_names_turn(struct set_job *job, uint64_t until_ns)
{
	uint32_t n = (uint32_t)json_array_size(job->documents);

	while (job->i < n && clock_now_ns() < until_ns)
		set_item_start(job, job->i++);
	if (job->i < n)
		return;
	job->phase = SET_BEFORE;
	job->i = 0;
}

/* What was read of earlier versions stands behind what was given: both are named now. */
static void set_job_make_turn(struct set_job *job, uint64_t until_ns)
{
	set_job_naming(job, true);
	while (job->i < job->count && clock_now_ns() < until_ns) {
		struct set_item *item = &job->items[job->i++];

		if (item->tenant[0])
			set_item_make(job, item);
	}
	set_job_naming(job, false);
	if (job->i < job->count)
		return;
	job->phase = SET_PLAN;
}

static uint16_t item_rank(const struct set_item *item)
{
	const struct document_kind *at = item->kind->before ? item->kind->before : item->kind;
	uint16_t kind = 0;

	while (g_document_kinds[kind] && g_document_kinds[kind] != at)
		kind++;
	kind = (uint16_t)(2 * kind + !item->kind->before);
	return item->change == SET_PUT      ? kind
	       : item->change == SET_DELETE ? (uint16_t)(RANK_DELETED + RANK_DELETED / 2 - kind)
					    : RANK_SAME;
}

/* What others name comes first, and goes last. */
static int items_order(const void *a, const void *b)
{
	const struct set_item *x = a, *y = b;
	int tenants = strcmp(x->tenant, y->tenant);

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return tenants ? tenants : x->document < y->document ? -1 : x->document > y->document;
}

static struct set_tenant *set_job_tenant(struct set_job *job, const char *name)
{
	struct set_value *v = &job->value;

	for (uint32_t i = 0; i < v->tenant_count; i++) {
		if (!strcmp(v->tenants[i].name, name))
			return &v->tenants[i];
	}
	if (v->tenant_count == SET_TENANTS_MAX)
		return NULL;
	v->tenants[v->tenant_count] = (struct set_tenant){ 0 };
	(void)snprintf(v->tenants[v->tenant_count].name, COMMAND_TENANT_MAX, "%s", name);
	return &v->tenants[v->tenant_count++];
}

static void set_job_seat(struct set_job *job, struct set_item *item,
			 const struct document_seat *seat, json_t *sums, bool judge)
{
	const struct tenants *all = job->run->node->common.tenants;
	uint16_t tenant = tenants_find(all, bytes_str(item->tenant));
	int seats = set_item_seats(item, seat);
	char key[COMMAND_TENANT_MAX + 16], message[64];
	json_int_t sum;
	uint32_t most;

	if (!seats || tenant == TENANT_NONE)
		return;
	(void)snprintf(key, sizeof(key), "%u %s", (unsigned)seat->item, item->tenant);
	sum = json_integer_value(json_object_get(sums, key));
	if (!judge) {
		(void)json_object_set_new(sums, key, json_integer(sum + seats));
		return;
	}
	most = tenants_most(all, tenant, seat->item);
	if (seats < 0 || sum <= 0 || !tenants_is_limited(all, tenant, seat->item) ||
	    tenants_held(all, tenant, seat->item) + sum <= most)
		return;
	(void)snprintf(message, sizeof(message), "%s of the tenant: %" PRIu32, seat->quota, most);
	set_error(job, item, seat->member, "full", message);
}

/* Who gives a seat back may stand behind who takes it. */
static void set_job_seats(struct set_job *job)
{
	json_t *sums = json_object();

	for (uint32_t i = 0; i < 2 * job->moves; i++) {
		struct set_item *item = &job->items[i % job->moves];
		const struct document_seat *seat = item->kind->seats;

		for (; seat && seat->quota; seat++) {
			if (seat->member)
				set_job_seat(job, item, seat, sums, i >= job->moves);
		}
	}
	json_decref(sums);
}

/* No tenant gets more of a kind than it may have. */
static void set_job_fit(struct set_job *job)
{
	const struct node *n = job->run->node;
	const struct mirror *mirror = &n->api.documents->keep.mirror;
	json_t *sums = json_object();
	char key[DOCUMENT_NAMING_MAX], message[DOCUMENT_FULL_MAX];

	for (uint32_t i = 0; i < job->moves; i++) {
		const struct set_item *item = &job->items[i];
		json_t *sum;
		uint32_t most = document_most(n, item->tenant, item->kind);
		int64_t has;

		if (item->change == SET_SAME || (item->change == SET_PUT && !item->is_new))
			continue;
		document_naming(key, bytes_str(item->tenant), bytes_str(item->kind->name),
				(struct bytes){ 0 });
		sum = json_object_get(sums, key);
		has = json_integer_value(sum) + (item->change == SET_PUT ? 1 : -1);
		(void)json_object_set_new(sums, key, json_integer(has));
		has += mirror_count_of(mirror, bytes_str(item->tenant),
				       bytes_str(item->kind->name));
		if (item->change != SET_PUT || has <= most)
			continue;
		document_full_words(message, n, item->tenant, item->kind);
		set_error(job, item, item->kind->argument, "full", message);
	}
	json_decref(sums);
}

/* The version that is made, as it will be when all is moved. */
static void set_job_version(struct set_job *job)
{
	struct set_version *v = &job->value.versions[0];

	v->created = v->changed = v->deleted = v->entries = 0;
	job->moves = job->value.tenant_count = 0;
	for (uint32_t i = 0; i < job->count; i++) {
		struct set_item *item = &job->items[i];
		struct set_tenant *t;

		if (item->change == SET_SAME && !item->made_of)
			break; /* it is there no longer: the last of all */
		v->entries++;
		if (item->change == SET_SAME)
			continue;
		job->moves++;
		v->created += item->change == SET_PUT && item->is_new;
		v->changed += item->change == SET_PUT && !item->is_new;
		v->deleted += item->change == SET_DELETE;
		t = set_job_tenant(job, item->tenant);
		if (t)
			t->count++;
		else
			set_error(job, item, "tenant", "full", "a set changes 16 tenants at most");
	}
}

static void set_job_plan(struct set_job *job)
{
	struct set_version *v = job->value.versions;
	bool lost = false;

	if (job->error_count) {
		set_job_refuse(job);
		return;
	}
	for (uint32_t i = 0; i < job->count; i++) {
		job->items[i].rank = item_rank(&job->items[i]);
		lost = job->items[i].change == SET_SAME && !job->items[i].made_of;
		job->items[i].rank += lost;
	}
	if (job->count)
		qsort(job->items, job->count, sizeof(*job->items), items_order);
	if (!job->again_ns && job->value.version_count) { /* the newest one is new */
		memmove(v + 1, v, (SET_VERSIONS_MAX - 1) * sizeof(*v));
		if (job->value.version_count < SET_VERSIONS_MAX)
			job->value.version_count++;
	}
	job->value.version_count += !job->value.version_count;
	*v = (struct set_version){ .version = job->before + 1,
				   .of = job->of,
				   .key = job->again_ns ? v->key
							: rand_u64_from(&job->run->node->rand) >> 1,
				   .utc_ms = clock_utc_ms() };
	(void)snprintf(v->by, sizeof(v->by), "%s %s %.*s", command_role_name(job->run->role),
		       job->run->door, (int)sizeof(v->by) - 32,
		       job->run->user[0] ? job->run->user : job->run->by);
	set_job_version(job);
	set_job_fit(job);
	set_job_seats(job);
	if (job->error_count)
		set_job_refuse(job);
	else if (!job->moves && job->before && v->entries == v[1].entries - v[1].deleted)
		set_job_answer(job, "unchanged", job->before);
	else if (job->dry_run)
		set_job_answer(job, "dry_run", job->before);
	else {
		job->phase = SET_STAGE;
		job->i = 0;
	}
}

/* ---- staging ---- */

static void set_job_on_staged(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct set_job *job = arg;

	(void)key;
	(void)version;
	set_job_asked(job, result);
}

/* Some entries; those that stand there already are left out. */
static void set_job_stage(struct set_job *job)
{
	const struct node *n = job->run->node;
	static uint8_t text[SET_PIECE_OCTETS + SNAPSHOT_TEXT_MAX + 4 * SNAPSHOT_NAME_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct bytes entries[STORE_SET_PIECE];
	struct set_value *v = &job->value;
	uint64_t numbers[SET_TENANTS_MAX] = { 0 };
	char key[SET_KEY_MAX];
	uint32_t first, count = 0;

	while (job->i < v->versions[0].entries && job->items[job->i].staged)
		job->i++;
	first = job->i;
	for (uint32_t i = 0; i < first && i < job->moves; i++)
		numbers[set_job_tenant(job, job->items[i].tenant) - v->tenants]++;
	while (job->i < v->versions[0].entries && count < STORE_SET_PIECE &&
	       w.n < SET_PIECE_OCTETS) {
		struct set_item *item = &job->items[job->i++];
		struct set_entry e = { .change = item->change,
				       .kind = bytes_str(item->kind->name),
				       .tenant = bytes_str(item->tenant),
				       .name = bytes_str(item->name) };
		size_t at = w.n;

		if (item->change != SET_SAME)
			e.number = ++numbers[set_job_tenant(job, item->tenant) - v->tenants];
		if (item->change != SET_DELETE)
			e.text = item->change == SET_PUT ? bytes_str(item->text)
							 : set_item_text(n, item);
		set_entry_write(&w, &e);
		entries[count++] = bytes_mem(text + at, w.n - at);
		item->staged = true;
	}
	if (!count) {
		job->phase = SET_START;
		return;
	}
	set_key(key, v->name, &v->versions[0]);
	job->asked++;
	store_set_stage(job->run->node->redis->store,
			&(struct store_set){ bytes_str(job->run->tenant), key }, first, entries,
			count, set_job_on_staged, job);
	OPENSSL_cleanse(text, w.n);
}

/* ---- the write by which it counts ---- */

static void set_job_on_moved(bool done, void *arg)
{
	struct set_job *job = arg;

	if (done)
		set_job_answer(job, "applied", job->value.versions[0].version);
	else
		set_job_fail(
			job, COMMAND_UNCERTAIN,
			"the set counts, and not all of it is in its place: another node, or this "
			"one, goes on with it");
}

static void set_job_on_begun(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct set_job *job = arg;
	struct node *n = job->run->node;

	(void)key;
	job->asked = 0;
	if (result == STORE_CONFLICT && n->life->phase == NODE_RUNNING) {
		directory_refused(n, bytes_str(job->run->tenant), job->value.tenants[0].base,
				  version);
		job->phase = SET_PAUSE;
		job->again_ns = clock_now_ns() + SET_RETRY_NS;
	} else if (result == STORE_OK) {
		job->phase = SET_MOVED;
		directory_made(n, bytes_str(job->run->tenant), version);
		(void)directory_change(
			n, &(struct snapshot_document){ .tenant = bytes_str(job->run->tenant),
							.kind = bytes_str(g_set_documents.name),
							.name = bytes_str(job->value.name),
							.version = version,
							.text = bytes_str(job->text) });
		command_set_move(n, job->run->tenant, &job->value, set_job_on_moved, job);
	} else {
		document_fail_store(job->run, result);
		set_job_end(job);
	}
}

static uint64_t generation_known(const struct node *n, const char *tenant)
{
	const struct directory_tenant *t =
		directory_tenant(&n->api.documents->directory, bytes_str(tenant));

	return t ? t->seen.all : 0;
}

static bool set_job_is_stale(struct set_job *job)
{
	for (uint32_t i = 0; i < job->count; i++) {
		if (set_item_version(job->run->node, &job->items[i]) != job->items[i].made_of)
			return true;
	}
	return false;
}

static void set_job_start(struct set_job *job)
{
	struct node *n = job->run->node;
	struct set_value *v = &job->value;
	const char *own = job->run->tenant;
	struct store_set_tenant others[SET_TENANTS_MAX];
	size_t other_count = 0;
	uint64_t count = 0, known = generation_known(n, own);
	char key[SET_KEY_MAX];
	json_t *json;

	if (set_job_is_stale(job)) {
		job->phase = SET_PAUSE;
		job->again_ns = clock_now_ns();
		return;
	}
	v->moves = job->moves;
	v->moving = true;
	v->changed_utc_ms = clock_utc_ms();
	for (uint32_t i = 0; i < v->tenant_count; i++) {
		struct set_tenant *t = &v->tenants[i];

		if (!strcmp(t->name, own)) {
			t->base = known + 1; /* behind the set's own document */
			count = t->count;
			continue;
		}
		t->base = generation_known(n, t->name);
		others[other_count++] =
			(struct store_set_tenant){ bytes_str(t->name), t->base, t->count };
	}
	json = set_document(v);
	free(job->text);
	job->text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!job->text) {
		set_job_fail(job, COMMAND_INTERNAL, "out of memory");
		return;
	}
	set_key(key, v->name, &v->versions[0]);
	job->asked++;
	store_set_start(
		n->redis->store,
		&(struct store_set_start){
			.set = { bytes_str(own), key },
			.document = { .tenant = bytes_str(own),
				      .kind = g_set_documents.name,
				      .name = bytes_str(v->name),
				      .json = bytes_str(job->text) },
			.known = { .version = mirror_version(
					   &n->api.documents->keep.mirror, bytes_str(own),
					   bytes_str(g_set_documents.name), bytes_str(v->name)),
				   .generation = known,
				   .exact = true },
			.count = count,
			.others = others,
			.other_count = other_count },
		set_job_on_begun, job);
}

/* What has changed meanwhile is looked at again, and what follows from it. */
static void set_job_again(struct set_job *job)
{
	struct set_value now;
	bool other = document_stored(job->run->node, job->run->tenant, &g_set_documents,
				     bytes_str(job->value.name), &now)
			     ? now.versions[0].version != job->before
			     : job->before != 0;

	if (clock_now_ns() >= job->until_ns) {
		set_job_fail(job, COMMAND_BUSY, "other changes were faster: apply it again");
		return;
	}
	if (other) { /* another version of this set was put */
		set_job_clear(job);
		job->phase = SET_FIRST;
		return;
	}
	set_job_naming(job, true);
	for (uint32_t i = 0; i < job->count; i++) {
		struct set_item *item = &job->items[i];
		enum set_change change = item->change;

		if (set_item_version(job->run->node, item) == item->made_of)
			continue;
		set_item_make(job, item);
		if (item->change == change && (item->change != SET_SAME || item->made_of))
			continue;
		for (uint32_t k = 0; k < job->count; k++)
			job->items[k].staged = false; /* others have other numbers */
	}
	set_job_naming(job, false);
	job->again_ns = clock_now_ns();
	job->phase = SET_PLAN;
}

/* What counts now: one before it may have put the same set. */
static void set_job_first(struct set_job *job)
{
	struct set_value *v = &job->value;
	char name[SET_NAME_MAX];

	memcpy(name, v->name, sizeof(name));
	*v = (struct set_value){ 0 };
	(void)document_stored(job->run->node, job->run->tenant, &g_set_documents, bytes_str(name),
			      v);
	memcpy(v->name, name, sizeof(name));
	job->before = v->version_count ? v->versions[0].version : 0;
	job->entries = 0;
	for (uint32_t i = 1; job->of && i < v->version_count; i++) {
		if (v->versions[i].version == job->of) {
			job->source = v->versions[i];
			job->entries = job->source.entries;
		}
	}
	job->phase = SET_NAMES;
	if (job->of && !job->entries)
		set_job_fail(
			job, COMMAND_NOT_FOUND,
			"set.show has the versions that can be rolled back to, beside the newest "
			"one");
}

static void stage_drop(struct sets *sets, struct set_stage *s)
{
	fair_give(&sets->places, &s->place);
	fair_give(&sets->octets, &s->octets);
	json_decref(s->documents);
	*s = (struct set_stage){ 0 };
}

/* False: it waits. */
static bool set_job_turn(struct set_job *job, uint64_t until_ns)
{
	if (job->asked >= (job->phase == SET_STAGE ? STAGED_MAX : 1) || job->phase == SET_MOVED)
		return false;
	if (job->failed && job->asked)
		return false;
	if (job->failed) {
		set_job_fail(job, COMMAND_UNAVAILABLE,
			     "Redis did not accept it, or there is no memory");
		return true;
	}
	switch (job->phase) {
	case SET_FIRST:
		job->until_ns = job->until_ns ? job->until_ns : clock_now_ns() + SET_PATIENT_NS;
		set_job_first(job);
		return true;
	case SET_NAMES:
		set_job_names_turn(job, until_ns);
		return true;
	case SET_BEFORE:
		set_job_read(job);
		return true;
	case SET_MAKE:
		set_job_make_turn(job, until_ns);
		return true;
	case SET_PLAN:
		set_job_plan(job);
		return true;
	case SET_STAGE:
		set_job_stage(job);
		return true;
	case SET_START:
		set_job_start(job);
		return true;
	case SET_PAUSE:
		if (clock_now_ns() < job->again_ns)
			return false;
		set_job_again(job);
		return true;
	case SET_MOVED:
		break;
	}
	return false;
}

void command_sets_round(struct node *n)
{
	struct sets *sets = n->api.sets;
	uint64_t now_ns = clock_now_ns(), until_ns = now_ns + SET_TURN_NS;

	if (!sets)
		return;
	for (size_t i = 0; i < STAGES_MAX; i++) {
		if (sets->stages[i].documents && now_ns >= sets->stages[i].until_ns)
			stage_drop(sets, &sets->stages[i]);
	}
	while (sets->first && clock_now_ns() < until_ns) {
		if (!set_job_turn(sets->first, until_ns))
			break;
	}
}

uint64_t command_sets_next_ns(const struct node *n)
{
	const struct set_job *job = n->api.sets ? n->api.sets->first : NULL;

	if (!job || job->asked || job->phase == SET_MOVED)
		return UINT64_MAX; /* Redis wakes it */
	return job->phase == SET_PAUSE ? job->again_ns : 0;
}

void command_sets_drop(struct node *n)
{
	struct sets *sets = n->api.sets;

	while (sets && sets->first && !sets->first->asked && sets->first->phase != SET_MOVED)
		set_job_fail(sets->first, COMMAND_UNAVAILABLE, "the node stops");
	for (size_t i = 0; sets && i < STAGES_MAX; i++)
		stage_drop(sets, &sets->stages[i]);
}

void command_sets_close(struct node *n)
{
	struct sets *sets = n->api.sets;

	command_sets_drop(n);
	if (sets) {
		fair_close(&sets->places);
		fair_close(&sets->octets);
		fair_close(&sets->waiting);
	}
	free(sets);
	n->api.sets = NULL;
}

/* ---- commands ---- */

/* False: the run has failed. */
static bool sets_are_there(struct command_run *run)
{
	struct node *n = run->node;

	if (n->api.sets)
		return true;
	n->api.sets = calloc(1, sizeof(*n->api.sets));
	if (!n->api.sets) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return false;
	}
	fair_open(&n->api.sets->places, STAGES_MAX, &n->rand);
	fair_open(&n->api.sets->octets, STAGE_OCTETS_MAX, &n->rand);
	fair_open(&n->api.sets->waiting, SETS_WAITING_MAX, &n->rand);
	return true;
}

/* By HTTP a token; else the role: clients of Redis have a name for each command. */
static void stage_owner(const struct command_run *run, char out[COMMAND_BY_MAX])
{
	(void)bytes_cstr(command_holder(run).name[FAIR_TOKEN], out, COMMAND_BY_MAX);
}

static struct set_stage *stage_find(const struct command_run *run, struct bytes id)
{
	char owner[COMMAND_BY_MAX];

	stage_owner(run, owner);
	for (size_t i = 0; i < STAGES_MAX; i++) {
		struct set_stage *s = &sets_of(run)->stages[i];

		if (s->documents && bytes_is(id, s->id) && !strcmp(s->tenant, run->tenant) &&
		    !strcmp(s->owner, owner))
			return s;
	}
	return NULL;
}

static struct set_stage *stage_free(struct command_run *run, struct bytes id)
{
	const struct fair_who who = command_holder(run);

	for (size_t i = 0; i < STAGES_MAX; i++) {
		struct set_stage *s = &sets_of(run)->stages[i];

		if (s->documents || bytes_cstr(id, s->id, sizeof(s->id)))
			continue;
		if (fair_admit(&sets_of(run)->places, &who, 1, &s->place) != FAIR_FINE)
			break;
		(void)snprintf(s->tenant, sizeof(s->tenant), "%s", run->tenant);
		stage_owner(run, s->owner);
		s->documents = json_array();
		s->until_ns = clock_now_ns() + STAGE_LIFE_NS;
		return s;
	}
	command_fail(run, COMMAND_BUSY, "stage",
		     "as many sets are staged, or as many of the tenant, or of the token, as may "
		     "be: apply them; one that is not applied in ten minutes is dropped");
	return NULL;
}

void command_set_stage(struct command_run *run)
{
	struct bytes id = command_value(run, "stage")->text;
	uint64_t part = command_value(run, "part")->number;
	json_t *documents = json_object_get(run->args, "documents");
	const struct fair_who who = command_holder(run);
	struct set_stage *s;

	if (!sets_are_there(run))
		return;
	s = stage_find(run, id);
	if (!json_is_array(documents)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "documents", "documents is a list");
		return;
	}
	if (!s && part) {
		command_fail(run, COMMAND_NOT_FOUND, "stage",
			     "this node has no part before: begin with part 0");
		return;
	}
	if (!s && !(s = stage_free(run, id)))
		return;
	if (part > s->parts) {
		command_fail(run, COMMAND_CONFLICT, "part", "part %u comes next", s->parts);
		return;
	}
	if (part == s->parts) {
		char *text = json_dumps(documents, JSON_COMPACT);
		size_t n = text ? strlen(text) : STAGE_OCTETS_MAX;

		free(text);
		if (json_array_size(s->documents) + json_array_size(documents) >
			    SET_DOCUMENTS_MAX ||
		    fair_admit(&sets_of(run)->octets, &who, (uint32_t)n, &s->octets) != FAIR_FINE) {
			command_fail(run, COMMAND_FULL, "documents",
				     "a set has at most %d documents, and all that are staged %d "
				     "octets, of which a tenant and a token have a share",
				     SET_DOCUMENTS_MAX, STAGE_OCTETS_MAX);
			return;
		}
		s->parts++;
		(void)json_array_extend(s->documents, documents);
	}
	command_answer(run,
		       json_pack("{s:s, s:I, s:I}", "stage", s->id, "parts", (json_int_t)s->parts,
				 "documents", (json_int_t)json_array_size(s->documents)));
}

/* NULL: the run has failed. */
static struct set_job *set_job_new(struct command_run *run)
{
	struct set_job *job = calloc(1, sizeof(*job)), **last = &sets_of(run)->first;
	const struct fair_who who = command_holder(run);

	while (*last)
		last = &(*last)->next;
	if (!job || fair_admit(&sets_of(run)->waiting, &who, 1, &job->held) != FAIR_FINE) {
		free(job);
		command_fail(run, COMMAND_BUSY, NULL, "other sets are being applied: try again");
		return NULL;
	}
	job->run = run;
	job->sets = sets_of(run);
	job->naming = json_object();
	job->numbers = json_object();
	job->errors = json_array();
	job->warnings = json_array();
	job->dry_run = command_value(run, "dry_run")->number;
	(void)bytes_cstr(command_value(run, "name")->text, job->value.name,
			 sizeof(job->value.name));
	*last = job;
	return job;
}

void command_set_apply(struct command_run *run)
{
	struct bytes id = command_value(run, "stage")->text;
	json_t *documents = json_object_get(run->args, "documents");
	struct set_stage *s;
	struct set_job *job;

	if (!sets_are_there(run))
		return;
	s = id.n ? stage_find(run, id) : NULL;
	if (s)
		documents = s->documents;
	if (!json_is_array(documents)) {
		command_fail(run, id.n ? COMMAND_NOT_FOUND : COMMAND_MISSING_ARGUMENT,
			     id.n ? "stage" : "documents",
			     id.n ? "nothing is staged there: set.stage it again"
				  : "documents is a list, or stage says where they are");
		return;
	}
	job = set_job_new(run);
	if (!job)
		return;
	job->prune = command_value(run, "prune")->number;
	job->documents = json_incref(documents);
	if (s)
		stage_drop(sets_of(run), s);
}

void command_set_rollback(struct command_run *run)
{
	struct set_value v;
	struct set_job *job;

	if (!document_stored(run->node, run->tenant, &g_set_documents,
			     command_value(run, "name")->text, &v)) {
		(void)document_missing(run, &g_set_documents);
	} else if (sets_are_there(run)) {
		job = set_job_new(run);
		if (job)
			job->of = (uint32_t)command_value(run, "version")->number;
	}
}
