/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a change of a document: made of the arguments and the present value, checked (quota,
 * references, rights, if_version), put into Redis by compare-and-set, and put into effect when
 * Redis has it. Every *.put and *.delete command goes through here, by the functions of its kind
 * (struct document_kind). If the base of a change has changed meanwhile, the change is made again;
 * Redis decides, and no node applies what Redis has not acknowledged.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/document_keep.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_wait.h"
#include "app/schema/command.h"
#include "app/schema/field.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"

/* How often a change is made again when other nodes change its base. */
enum { TRIES_MAX = 16, SEATS_AT_ONCE = 64 };
#define PARKED_NS (5 * NS_PER_S)

struct document_change {
	struct document_change *next;
	struct command_run *run;
	const struct document_kind *kind;
	bool gone;      /* it is deleted */
	bool judged;    /* stored, and checked and counted for seats as a put is */
	json_t *stored; /* its text, as another Redis had it, or this one had before; owned */
	bool is_new;
	uint8_t tries;
	uint64_t made_of; /* generation */
	char *text;       /* as it is put; malloc'ed */
	char name[DOCUMENT_NAME_MAX];
	max_align_t value[];
};

static void change_start(struct document_change *change);

/* The oldest change is over, its run has ended; the next one may see what it left. */
static void change_end(struct node *node, struct document_change *change)
{
	struct documents *d = node->api.documents;

	assert(d->first == change);
	d->first = change->next;
	if (!d->first)
		d->last = NULL;
	if (change->text)
		OPENSSL_cleanse(change->text, strlen(change->text));
	free(change->text);
	json_decref(change->stored);
	OPENSSL_cleanse(change, sizeof(*change) + change->kind->size);
	free(change);
	if (d->first)
		change_start(d->first);
}

void document_fail_store(struct command_run *run, enum store_result result)
{
	const char *words = store_refusal();

	if (result == STORE_CONFLICT) {
		command_fail(run, COMMAND_BUSY, NULL, "another node changes it");
	} else if (result == STORE_UNKNOWN) {
		command_fail(run, COMMAND_UNCERTAIN, NULL, "Redis did not answer in time");
	} else {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis %s%s",
			     words[0] ? "refuses it: " : "did not accept it", words);
	}
}

uint16_t document_tenant(const struct command_run *run)
{
	return tenants_find(run->node->common.tenants, bytes_str(run->tenant));
}

/* Its owner in Redis. */
static struct bytes change_tenant(const struct document_change *change)
{
	return document_owner(change->run->tenant, change->kind);
}

static struct snapshot_document change_document(const struct document_change *change)
{
	return (struct snapshot_document){ .tenant = change_tenant(change),
					   .kind = bytes_str(change->kind->name),
					   .name = bytes_str(change->name),
					   .text = bytes_str(change->text) };
}

static json_t *document_view(const struct node *node, const struct document_kind *kind,
			     uint16_t tenant, const void *value)
{
	return kind->show ? kind->show(node, tenant, value) : form_view(kind->form, value);
}

static void document_warn(const struct node *node, const struct document_kind *kind,
			  uint16_t tenant, const void *value, json_t *out)
{
	references_warn(node, kind, tenant, value, out);
	if (kind->warn)
		kind->warn(node, tenant, value, out);
}

static json_t *change_view(const struct node *node, const struct document_change *change)
{
	const struct command_run *run = change->run;
	json_t *view = document_view(node, change->kind, document_tenant(run), change->value);
	json_t *warnings = json_array();

	field_warn(run->command->args, change->value, warnings);
	document_warn(node, change->kind, document_tenant(run), change->value, warnings);
	if (view && change->kind->form && run->role < COMMAND_FOR_ADMIN)
		form_urls_hide(change->kind->form, view, change->value);
	if (view && json_array_size(warnings))
		(void)json_object_set(view, "warnings", warnings);
	json_decref(warnings);
	return view;
}

/* The next one of that name must not have what was the former one's: tokens, privileges. */
static void change_take_along(const struct document_change *change, const json_t *by,
			      json_t *answer)
{
	json_t *gone = json_array(), *path;
	const char *who;

	json_object_foreach((json_t *)(uintptr_t)by, who, path)
	{
		struct bytes name = bytes_str(who), kind;

		if (!reference_goes_with(who, json_string_value(path)) ||
		    !bytes_cut(&name, '/', &kind))
			continue;
		(void)json_array_append_new(gone, json_string(who));
		change->run->node->hooks->drop(change->run, kind, name);
	}
	if (json_array_size(gone))
		(void)json_object_set(answer, "deleted", gone);
	json_decref(gone);
}

static void change_answer_gone(const struct node *node, const struct document_change *change)
{
	json_t *answer = json_pack("{s:s}", change->kind->argument, change->name);
	json_t *by = references_to(node, change->run->tenant, change->kind->name, change->name);

	if (answer && json_object_size(by)) { /* with force */
		(void)json_object_set(answer, "named_by", by);
		change_take_along(change, by, answer);
	}
	json_decref(by);
	command_answer(change->run, answer);
}

static uint64_t change_known_version(const struct document_change *change)
{
	const struct snapshot_document d = change_document(change);

	return mirror_version(&change->run->node->api.documents->keep.mirror, d.tenant, d.kind,
			      d.name);
}

/* It takes effect as a change of another node does. */
static void change_answer(struct node *node, const struct document_change *change, uint64_t version)
{
	const struct document_kind *kind = change->kind;
	struct snapshot_document d = change_document(change);
	json_t *view;
	int err;

	d.version = version;
	err = directory_change(node, &d);
	if (change->gone) {
		if (version && kind->deleted)
			kind->deleted(node, change->name, change->run);
		change_answer_gone(node, change);
	} else if (err == -ENOENT) {
		command_fail(change->run, COMMAND_NOT_FOUND, "tenant", "the tenant was deleted");
	} else if (err) {
		/* It is saved: a node with more room would know it after a restart. */
		command_fail(change->run, COMMAND_FULL, NULL,
			     "it is saved, and this node has no place for it: /healthz says more");
	} else if (change->stored) {
		/* the texts of programs are looked at from the first one on */
		node->api.documents->programs.cursor = 0;
		node->api.documents->programs.next_ns = 0;
		command_answer(change->run, json_pack("{s:s}", "change",
						      change->is_new ? "created" : "changed"));
	} else {
		change->run->version = version ? version : change_known_version(change);
		view = change_view(node, change);
		if (kind->saved)
			kind->saved(change->run, change->value, view);
		command_answer(change->run, view);
	}
}

/* Another node has changed something. False: that was the last time. */
static bool change_park(struct node *node, struct document_change *change, uint64_t generation)
{
	struct documents *d = node->api.documents;

	if (node->life->phase != NODE_RUNNING || ++change->tries > TRIES_MAX)
		return false;
	d->parked = true;
	d->parked_for = generation;
	d->parked_ns = clock_now_ns() + PARKED_NS;
	if (change->text)
		OPENSSL_cleanse(change->text, strlen(change->text));
	free(change->text);
	change->text = NULL;
	OPENSSL_cleanse(change->value, change->kind->size);
	directory_refused(node, change_tenant(change), change->made_of, generation);
	return true;
}

static void on_stored(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct document_change *change = arg;
	struct node *node = change->run->node;

	(void)key;
	if (result == STORE_CONFLICT && change_park(node, change, version)) {
		document_resume(node); /* what came between is known already */
		return;
	}
	if (result == STORE_OK) {
		if (version)
			directory_made(node, change_tenant(change), version);
		change_answer(node, change, version);
	} else {
		document_fail_store(change->run, result);
	}
	change_end(node, change);
}

void document_resume(struct node *node)
{
	struct documents *d = node->api.documents;

	if (!d->parked || !directory_is_current(node, change_tenant(d->first), d->parked_for))
		return;
	d->parked = false;
	change_start(d->first);
}

void document_beat(struct node *node, uint64_t now_ns)
{
	struct documents *d = node->api.documents;

	if (!d->parked || now_ns < d->parked_ns)
		return;
	d->parked = false;
	document_fail_store(d->first->run, STORE_CONFLICT);
	change_end(node, d->first);
}

struct bytes document_owner(const char *tenant, const struct document_kind *kind)
{
	return kind->of_operators ? BYTES_LIT(DIRECTORY_OPERATORS) : bytes_str(tenant);
}

uint32_t document_places(const struct node *node, const struct document_kind *kind)
{
	return kind->places ? kind->places : node->settings->limits.registrations;
}

/* How many the tenant has, and all others together. */
static uint32_t document_count(const struct node *node, const char *tenant,
			       const struct document_kind *kind, uint32_t *others)
{
	const struct mirror *mirror = &node->api.documents->keep.mirror;
	struct bytes of = bytes_str(kind->name);
	uint32_t own = mirror_count_of(mirror, document_owner(tenant, kind), of);

	*others = mirror_count_of_kind(mirror, of) - own;
	return own;
}

/* 0: none, or the kind has no quota. */
static uint32_t document_quota(const struct node *node, const char *tenant,
			       const struct document_kind *kind)
{
	uint16_t number = tenants_find(node->common.tenants, bytes_str(tenant));

	return kind->quota && number != TENANT_NONE
		       ? tenants_most(node->common.tenants, number, kind->item)
		       : 0;
}

uint32_t document_most(const struct node *node, const char *tenant,
		       const struct document_kind *kind)
{
	uint16_t number = tenants_find(node->common.tenants, bytes_str(tenant));
	uint32_t others, places = document_places(node, kind), most;
	uint32_t quota = document_quota(node, tenant, kind);

	(void)document_count(node, tenant, kind, &others);
	most = kind->of_operators || number == TENANT_NONE
		       ? places - others
		       : tenants_share(node->common.tenants, quota, places, others);
	return kind->share && kind->share < most && !quota ? kind->share : most;
}

bool document_seat_is_on(const struct document_seat *seat, const json_t *value)
{
	struct bytes list = bytes_str(json_string_value(value) ? json_string_value(value) : "");
	const json_t *one;
	size_t i;

	if (!seat->word)
		return json_is_string(value) && !bytes_is(list, "off") &&
		       !bytes_is(list, "default");
	json_array_foreach(value, i, one)
	{
		if (json_is_string(one) && !strcmp(json_string_value(one), seat->word))
			return true;
	}
	return bytes_list_has(list, bytes_str(seat->word));
}

bool document_seat_is_left(struct command_run *run, const struct document_seat *seat, bool had,
			   bool needs)
{
	if (!needs || had || run->node->api.documents->naming ||
	    !tenants_is_full(run->node->common.tenants, document_tenant(run), seat->item))
		return true;
	command_fail(run, COMMAND_FULL, seat->member, "%s of the tenant", seat->quota);
	return false;
}

void document_seat_hold(const struct node *node, uint16_t tenant, enum tenant_item item, bool had,
			bool has)
{
	if (has && !had)
		tenants_hold(node->common.tenants, tenant, item);
	if (had && !has)
		tenants_release(node->common.tenants, tenant, item);
}

/* Any of its seats is limited. */
static bool change_takes_seats(const struct document_change *change, uint16_t tenant)
{
	const struct document_seat *seat = tenant == TENANT_NONE ? NULL : change->kind->seats;

	while (seat && seat->quota &&
	       !tenants_is_limited(change->run->node->common.tenants, tenant, seat->item))
		seat++;
	return seat && seat->quota;
}

/* Two nodes that put the last one at the same time would both find room. */
static bool change_counts(const struct document_change *change)
{
	const struct node *node = change->run->node;
	const struct document_kind *kind = change->kind;
	const char *tenant = change->run->tenant;
	uint16_t number = document_tenant(change->run);
	uint32_t others;

	return (!change_known_version(change) &&
		document_count(node, tenant, kind, &others) + SEATS_AT_ONCE >=
			document_most(node, tenant, kind)) ||
	       change_takes_seats(change, number);
}

/* The base of the change. */
static struct store_known change_known(struct document_change *change)
{
	struct documents *d = change->run->node->api.documents;
	struct snapshot_document document = change_document(change);
	const struct directory_tenant *t = directory_tenant(&d->directory, document.tenant);

	change->made_of = t ? t->seen.all : 0;
	return (struct store_known){ .version = change_known_version(change),
				     .generation = change->made_of,
				     .exact = change->kind->exact || change->gone ||
					      change_counts(change) };
}

static struct store_document change_stored(const struct document_change *change)
{
	return (struct store_document){ .tenant = change_tenant(change),
					.kind = change->kind->name,
					.name = bytes_str(change->name),
					.json = bytes_str(change->text) };
}

/* Secrets are of no use without the node's keys. */
static void document_seal_key(const struct node *node, const struct document_kind *kind,
			      struct seal_key *key)
{
	*key = node->extension_seal;
	if (kind->seal)
		keys_derive(&node->keys, kind->seal, key->octets);
}

int document_value(const struct node *node, const struct document_kind *kind, void *value,
		   struct bytes json, const char **reason)
{
	struct seal_key key;
	int err;

	if (!kind->read)
		return form_read(kind->form, value, json, reason);
	document_seal_key(node, kind, &key);
	err = kind->read(value, json, &key, reason);
	seal_key_wipe(&key);
	return err;
}

/* The value of that text, malloc'ed; NULL: unreadable, see *err. */
static void *document_parse(const struct node *node, const struct document_kind *kind,
			    struct bytes text, int *err)
{
	void *value = text.n ? calloc(1, kind->size) : NULL;
	const char *reason;

	*err = value ? document_value(node, kind, value, text, &reason) : -ENOENT;
	if (!*err || !value)
		return value;
	OPENSSL_cleanse(value, kind->size);
	free(value);
	return NULL;
}

static void document_drop(const struct document_kind *kind, void *value)
{
	if (value)
		OPENSSL_cleanse(value, kind->size);
	free(value);
}

/* {field: [before, after]} of both views; a missing one has an empty view. */
static json_t *document_differs(const struct command_run *run, const struct document_kind *kind,
				const void *before, const void *after)
{
	uint16_t tenant = document_tenant(run);
	json_t *old = before ? document_view(run->node, kind, tenant, before) : json_object();
	json_t *new = after ? document_view(run->node, kind, tenant, after) : json_object();
	json_t *out = json_object(), *value;
	const char *name;

	(void)json_object_del(new, "changed_utc_ms");
	json_object_foreach(new, name, value)
	{
		json_t *was = json_object_get(old, name);

		if (!was || !json_equal(was, value))
			(void)json_object_set_new(out, name, json_pack("[O?, O]", was, value));
	}
	if (!after) {
		json_object_foreach(old, name, value)(void)
			json_object_set_new(out, name, json_pack("[O, n]", value));
	}
	json_decref(old);
	json_decref(new);
	return out;
}

/* Notes the run's changes. False: the present document is unreadable, and the run has failed. */
static bool change_compare(const struct document_change *change)
{
	struct command_run *run = change->run;
	struct snapshot_document d = change_document(change);
	const struct document_kind *kind = change->kind;
	int err, wrong;
	void *before = document_parse(run->node, kind,
				      mirror_text(&run->node->api.documents->keep.mirror, d.tenant,
						  d.kind, d.name),
				      &err);
	/* as it is stored: a token is shown once, and not here */
	void *after = document_parse(run->node, kind, d.text, &wrong);

	json_decref(run->changes);
	run->changes = document_differs(run, kind, before, after);
	document_drop(kind, before);
	document_drop(kind, after);
	if (change->gone || err != -EPROTONOSUPPORT)
		return true;
	command_fail(run, COMMAND_CONFLICT, kind->argument,
		     "a later program has changed it: change it there");
	return false;
}

void document_full_words(char out[DOCUMENT_FULL_MAX], const struct node *node, const char *tenant,
			 const struct document_kind *kind)
{
	uint32_t others, own = document_count(node, tenant, kind, &others);
	uint32_t places = document_places(node, kind), quota = document_quota(node, tenant, kind);
	uint32_t most = document_most(node, tenant, kind);
	char more[96] = "";

	if (kind->quota)
		(void)snprintf(more, sizeof(more),
			       ", or an operator allows more (tenant.put name=%s %s)", tenant,
			       kind->quota);
	if (own + others >= places)
		(void)snprintf(out, DOCUMENT_FULL_MAX,
			       "a node has room for %" PRIu32
			       " %s, and all places are taken: delete some",
			       places, kind->several);
	else if (quota && quota == most)
		(void)snprintf(out, DOCUMENT_FULL_MAX,
			       "%s of the tenant is %" PRIu32 ": delete some%s", kind->quota, quota,
			       more);
	else
		(void)snprintf(out, DOCUMENT_FULL_MAX,
			       "the tenant may have %" PRIu32 " of the %" PRIu32
			       " %s that a node has room for: delete some%s",
			       most, places, kind->several, more);
}

bool document_fits(struct command_run *run, const struct document_kind *kind, struct bytes name)
{
	const struct node *node = run->node;
	struct bytes subject = document_owner(run->tenant, kind), of = bytes_str(kind->name);
	char words[DOCUMENT_FULL_MAX];
	uint32_t others;

	if (mirror_version(&node->api.documents->keep.mirror, subject, of, name) ||
	    document_count(node, run->tenant, kind, &others) <
		    document_most(node, run->tenant, kind))
		return true;
	document_full_words(words, node, run->tenant, kind);
	document_keep_refused();
	command_fail(run, COMMAND_FULL, NULL, "%s", words);
	return false;
}

const char *document_naming(char out[DOCUMENT_NAMING_MAX], struct bytes tenant, struct bytes kind,
			    struct bytes name)
{
	(void)snprintf(out, DOCUMENT_NAMING_MAX, BYTES_FMT "/" BYTES_FMT "/" BYTES_FMT,
		       BYTES_ARG(tenant), BYTES_ARG(kind), BYTES_ARG(name));
	return out;
}

bool document_named(const struct node *node, struct bytes tenant, const char *kind,
		    struct bytes name)
{
	const struct documents *d = node->api.documents;
	char key[DOCUMENT_NAMING_MAX];
	const json_t *said =
		json_object_get(d->naming, document_naming(key, tenant, bytes_str(kind), name));

	return said ? !json_is_false(said)
		    : mirror_version(&d->keep.mirror, tenant, bytes_str(kind), name) != 0;
}

/* By the kind's function, else by its form. */
static json_t *document_write(struct node *node, const struct document_kind *kind,
			      const void *value)
{
	struct seal_key key;
	json_t *json;

	if (!kind->write)
		return form_document(kind->form, value);
	document_seal_key(node, kind, &key);
	json = kind->write(value, &key, &node->rand);
	seal_key_wipe(&key);
	return json;
}

/* The first field of a form names it, a text. */
static void document_name(const struct document_kind *kind, const void *value,
			  char name[DOCUMENT_NAME_MAX])
{
	if (kind->name_of)
		kind->name_of(value, name);
	else
		(void)bytes_cstr(
			bytes_str((const char *)value +
				  (kind->form ? kind->form->fields[0].field.at : kind->name_at)),
			name, DOCUMENT_NAME_MAX);
}

/* if_version; Redis compares once more, and a change that is late there comes here again.
 * False: the run failed. */
static bool change_may(struct document_change *change, uint64_t version)
{
	const json_t *wanted = json_object_get(change->run->args, g_command_if_version.name);
	const char *text = json_string_value(wanted);
	uint64_t number = (uint64_t)json_integer_value(wanted);
	bool fits;

	if (text)
		(void)bytes_u64(bytes_str(text), &number);
	fits = !wanted || (text && !strcmp(text, "*") ? version != 0 : number == version);
	if (!fits && version)
		command_fail(change->run, COMMAND_CHANGED, g_command_if_version.name,
			     "another client has changed it: its version is %" PRIu64, version);
	else if (!fits)
		command_fail(change->run, COMMAND_CHANGED, g_command_if_version.name,
			     "there is no such document");
	return fits;
}

/* ---- what a set would put ---- */

/* Equal values give equal text: secrets are sealed by the same random octets. */
static json_t *document_plain(const struct node *node, const struct document_kind *kind,
			      const void *value)
{
	struct rand_source rand;
	struct seal_key key;
	json_t *json;

	if (!kind->write) {
		json = form_document(kind->form, value);
	} else {
		rand_open_seed(&rand, 1);
		document_seal_key(node, kind, &key);
		json = kind->write(value, &key, &rand);
		seal_key_wipe(&key);
	}
	(void)json_object_del(json, "changed_utc_ms");
	return json;
}

/* False: the run has failed. */
static bool proposal_compare(struct command_run *run, const struct document_kind *kind,
			     const void *value, struct document_proposal *out)
{
	struct bytes subject = document_owner(run->tenant, kind);
	struct bytes text = mirror_text(&run->node->api.documents->keep.mirror, subject,
					bytes_str(kind->name), bytes_str(out->name));
	json_t *was, *is;
	int err;
	void *before = document_parse(run->node, kind, text, &err);

	out->is_new = !text.n;
	if (before) {
		was = document_plain(run->node, kind, before);
		is = document_plain(run->node, kind, value);
		out->same = json_equal(was, is);
		json_decref(was);
		json_decref(is);
		if (!out->same)
			out->differs = document_differs(run, kind, before, value);
		if (out->differs && !json_object_size(out->differs)) /* nobody is shown what */
			(void)json_object_set_new(out->differs, "secrets",
						  json_pack("[s, s]", "(kept)", "(new)"));
	}
	document_drop(kind, before);
	if (err == -EPROTONOSUPPORT)
		command_fail(run, COMMAND_CONFLICT, kind->argument,
			     "a later program has changed it: change it there");
	return err != -EPROTONOSUPPORT;
}

bool document_propose(struct command_run *run, const struct document_kind *kind,
		      struct document_proposal *out)
{
	void *value = calloc(1, kind->size);
	json_t *json;
	bool made;

	*out = (struct document_proposal){ 0 };
	if (!value) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return false;
	}
	made = document_make(run, kind, value);
	if (made) {
		document_name(kind, value, out->name);
		made = proposal_compare(run, kind, value, out);
	}
	if (made) {
		json = out->same ? NULL : document_write(run->node, kind, value);
		out->text = json ? json_dumps(json, JSON_COMPACT) : NULL;
		json_decref(json);
		out->warnings = json_array();
		document_warn(run->node, kind, document_tenant(run), value, out->warnings);
	}
	document_drop(kind, value);
	return made;
}

/* json: its text; a reference is stolen. */
static bool store_put(struct document_change *change, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct store_document document;
	struct store_known known;

	json_decref(json);
	if (!text) {
		command_fail(change->run, COMMAND_INTERNAL, NULL, "out of memory");
		return false;
	}
	change->text = text;
	if (!change_compare(change) ||
	    !document_fits(change->run, change->kind, bytes_str(change->name)))
		return false;
	known = change_known(change);
	if (!change_may(change, known.version))
		return false;
	change->is_new = !known.version;
	document = change_stored(change);
	store_document_put(change->run->node->redis->store, &document, &known, on_stored, change);
	return true;
}

static bool store_delete(struct document_change *change)
{
	struct store_known known = change_known(change);
	struct store_document document = change_stored(change);

	if (!change_compare(change) || !change_may(change, known.version))
		return false;
	store_document_delete(change->run->node->redis->store, &document, &known, on_stored,
			      change);
	return true;
}

bool document_form_make(struct command_run *run, const struct document_kind *kind, void *value)
{
	struct bytes name = command_value(run, kind->argument)->text;

	form_start(kind->form, value, name);
	(void)document_stored(run->node, run->tenant, kind, name, value);
	return document_read_args(run, kind, value);
}

/* Checks rights by what can be read of it. False: the run has failed. */
static bool document_may(struct command_run *run, const struct document_kind *kind,
			 struct bytes text)
{
	int err;
	void *value = kind->may ? document_parse(run->node, kind, text, &err) : NULL;
	bool may = !value || kind->may(run, value);

	document_drop(kind, value);
	return may;
}

static bool document_may_named(struct command_run *run, const struct document_kind *kind,
			       struct bytes name)
{
	return document_may(run, kind,
			    mirror_text(&run->node->api.documents->keep.mirror,
					document_owner(run->tenant, kind), bytes_str(kind->name),
					name));
}

bool document_restores(struct command_run *run, const struct document_kind *kind, struct bytes name,
		       struct bytes text)
{
	return document_may_named(run, kind, name) && document_may(run, kind, text);
}

bool document_make(struct command_run *run, const struct document_kind *kind, void *value)
{
	char name[DOCUMENT_NAME_MAX];

	if (!(kind->make ? kind->make(run, value) : document_form_make(run, kind, value)))
		return false;
	document_name(kind, value, name);
	return document_may_named(run, kind, bytes_str(name)) &&
	       (!kind->may || kind->may(run, value)) && (!kind->check || kind->check(run, value));
}

bool document_missing(struct command_run *run, const struct document_kind *kind)
{
	struct bytes name = bytes_str(run->command->name);
	char list[64];

	while (name.n && name.p[name.n - 1] != '.')
		name.n--;
	(void)snprintf(list, sizeof(list), BYTES_FMT "list", BYTES_ARG(name));
	if (command_find(bytes_str(list)))
		command_fail(run, COMMAND_NOT_FOUND, kind->argument,
			     "there is no such %s: %s shows all of them", kind->name, list);
	else
		command_fail(run, COMMAND_NOT_FOUND, kind->argument, "there is no such %s",
			     kind->name);
	return false;
}

bool document_aim(struct command_run *run, const struct document_kind *kind,
		  char name[DOCUMENT_NAME_MAX])
{
	struct bytes text;

	if (kind->aim)
		return kind->aim(run, name) && document_may_named(run, kind, bytes_str(name)) &&
		       references_let_go(run, kind, name);
	text = command_value(run, kind->argument)->text;
	if (!mirror_version(&run->node->api.documents->keep.mirror, bytes_str(run->tenant),
			    bytes_str(kind->name), text))
		return document_missing(run, kind);
	return bytes_cstr(text, name, DOCUMENT_NAME_MAX) == 0 &&
	       document_may_named(run, kind, text) && references_let_go(run, kind, name);
}

/* Of a stored text, each time that it is compared. False: the run has failed. */
static bool change_seats_fit(const struct document_change *change)
{
	struct command_run *run = change->run;
	const struct document_seat *seat = change->judged ? change->kind->seats : NULL;
	struct snapshot_document d = change_document(change);
	char *text = seat ? json_dumps(change->stored, JSON_COMPACT) : NULL;
	json_t *then = text ? document_view_text(run, change->kind, bytes_str(text)) : NULL;
	json_t *now = seat ? document_view_text(run, change->kind,
						mirror_text(&run->node->api.documents->keep.mirror,
							    d.tenant, d.kind, d.name))
			   : NULL;
	bool fit = true;

	for (; fit && seat && seat->quota; seat++) {
		if (seat->member)
			fit = document_seat_is_left(
				run, seat,
				document_seat_is_on(seat, json_object_get(now, seat->member)),
				document_seat_is_on(seat, json_object_get(then, seat->member)));
	}
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	json_decref(then);
	json_decref(now);
	return fit;
}

/* Of a stored text: others may have by now what it had. False: the run has failed. */
static bool change_may_be(const struct document_change *change)
{
	const struct document_kind *kind = change->kind;
	bool checks = change->judged && kind->check;
	char *text = checks ? json_dumps(change->stored, JSON_COMPACT) : NULL;
	int err;
	void *value = document_parse(change->run->node, kind, bytes_str(text), &err);
	bool may = !value || kind->check(change->run, value);

	document_drop(kind, value);
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	return may;
}

static void change_start(struct document_change *change)
{
	struct node *node = change->run->node;
	bool begun;

	if (change->stored) {
		begun = change_may_be(change) && change_seats_fit(change) &&
			store_put(change, json_incref(change->stored));
	} else if (change->gone) {
		begun = document_aim(change->run, change->kind, change->name) &&
			store_delete(change);
	} else {
		begun = document_make(change->run, change->kind, change->value);
		if (begun) {
			document_name(change->kind, change->value, change->name);
			begun = store_put(change,
					  document_write(node, change->kind, change->value));
		}
	}
	if (!begun)
		change_end(node, change);
}

/* NULL: the run has failed. */
static struct document_change *change_new(struct command_run *run, const struct document_kind *kind)
{
	struct document_change *change = calloc(1, sizeof(*change) + kind->size);

	if (!change) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return NULL;
	}
	change->run = run;
	change->kind = kind;
	return change;
}

/* Its turn comes behind those before it. NULL is fine. */
static void change_add(struct documents *d, struct document_change *change)
{
	if (!change)
		return;
	if (d->last) {
		d->last->next = change;
		d->last = change;
	} else {
		d->first = d->last = change;
		change_start(change);
	}
}

void document_put(struct command_run *run)
{
	change_add(run->node->api.documents, change_new(run, run->command->documents));
}

void document_delete(struct command_run *run)
{
	struct document_change *change = change_new(run, run->command->documents);

	if (change)
		change->gone = true;
	change_add(run->node->api.documents, change);
}

bool document_check_stored(struct command_run *run, const struct document_kind *kind,
			   const json_t *document, char name[DOCUMENT_NAME_MAX])
{
	void *value = calloc(1, kind->size);
	char *text = json_dumps(document, JSON_COMPACT);
	const char *reason = "no memory";
	int err = value && text ? document_value(run->node, kind, value, bytes_str(text), &reason)
				: -ENOMEM;

	if (!err)
		document_name(kind, value, name);
	document_drop(kind, value);
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	if (err == -EPROTONOSUPPORT)
		command_fail(run, COMMAND_CONFLICT, "document", "it is of a later program");
	else if (err)
		command_fail(run, COMMAND_BAD_ARGUMENT, "document",
			     "%s of the %s cannot be read: it is damaged, or sealed by another "
			     "file keys",
			     reason, kind->name);
	return !err;
}

static void stored_add(struct command_run *run, const struct document_kind *kind,
		       const char name[DOCUMENT_NAME_MAX], json_t *document, bool judged)
{
	struct document_change *change = change_new(run, kind);

	if (change) {
		change->stored = document;
		change->judged = judged;
		(void)snprintf(change->name, sizeof(change->name), "%s", name);
	} else {
		json_decref(document);
	}
	change_add(run->node->api.documents, change);
}

void document_put_text(struct command_run *run, const struct document_kind *kind,
		       const char name[DOCUMENT_NAME_MAX], json_t *document)
{
	stored_add(run, kind, name, document, true);
}

void document_put_stored(struct command_run *run, const struct document_kind *kind,
			 const char name[DOCUMENT_NAME_MAX])
{
	stored_add(run, kind, name,
		   json_incref((json_t *)(uintptr_t)command_value(run, "document")->json), false);
}

/* Forms of kinds, and what follows from them. */

bool document_read_args(struct command_run *run, const struct document_kind *kind, void *value)
{
	const struct form *f = kind->form;
	const char *wrong, *member = NULL;

	*form_changed(f, value) = clock_utc_ms();
	if (!fields_read_args(run, f->fields, value))
		return false;
	wrong = f->wrong ? f->wrong(value, &member) : NULL;
	if (wrong)
		command_fail(run, COMMAND_BAD_ARGUMENT, member, "%s", wrong);
	return !wrong;
}

/* Documents that commands use only as text. */

bool document_stored(const struct node *n, const char *tenant, const struct document_kind *kind,
		     struct bytes name, void *value)
{
	struct bytes text = mirror_text(&n->api.documents->keep.mirror, bytes_str(tenant),
					bytes_str(kind->name), name);
	const char *reason;

	return text.n && !document_value(n, kind, value, text, &reason);
}

json_t *document_view_text(const struct command_run *run, const struct document_kind *kind,
			   struct bytes text)
{
	int err;
	void *value = document_parse(run->node, kind, text, &err);
	json_t *json = value ? document_view(run->node, kind, document_tenant(run), value) : NULL;

	if (json && kind->form && run->role < COMMAND_FOR_ADMIN)
		form_urls_hide(kind->form, json, value);
	document_drop(kind, value);
	return json;
}

json_t *document_view_stored(const struct command_run *run, struct bytes name)
{
	const struct document_kind *kind = run->command->documents;
	void *value = calloc(1, kind->size);
	json_t *json = NULL;

	if (!value)
		return NULL;
	if (document_stored(run->node, run->tenant, kind, name, value))
		json = document_view(run->node, kind, document_tenant(run), value);
	if (json && kind->form && run->role < COMMAND_FOR_ADMIN)
		form_urls_hide(kind->form, json, value);
	if (json && run->user[0] && kind->owner &&
	    strcmp(json_text(json, kind->owner), run->user) != 0) {
		json_decref(json);
		json = NULL;
	}
	OPENSSL_cleanse(value, kind->size);
	free(value);
	return json;
}

void document_show(struct command_run *run)
{
	const struct document_kind *kind = run->command->documents;
	json_t *json = document_view_stored(run, command_value(run, kind->argument)->text);

	if (json)
		command_answer(run, json);
	else
		(void)document_missing(run, kind);
}

uint64_t document_version(const struct command_run *run)
{
	const struct command *put = command_of_noun(command_noun(run->command), "put");
	const struct document_kind *kind = put ? put->documents : NULL;
	const struct command_arg *arg =
		kind ? command_arg_find(run->command, bytes_str(kind->argument)) : NULL;

	if (!arg || arg->type != ARG_STRING || command_changes_document(run->command))
		return 0;
	return mirror_version(&run->node->api.documents->keep.mirror,
			      kind->of_operators ? BYTES_LIT(DIRECTORY_OPERATORS)
						 : bytes_str(run->tenant),
			      bytes_str(kind->name), command_value(run, kind->argument)->text);
}
