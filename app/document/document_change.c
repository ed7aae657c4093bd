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
#include "app/document/document_value.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_wait.h"
#include "app/schema/command.h"
#include "app/schema/field.h"
#include "base/clock.h"

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
	secret_str_free(change->text);
	json_decref(change->stored);
	OPENSSL_cleanse(change, sizeof(*change) + change->kind->size);
	free(change);
	if (d->first)
		change_start(d->first);
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
	secret_str_free(change->text);
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

/* Of a stored text, each time that it is compared: its seats are left. False: the run failed. */
static bool change_seats_fit(const struct document_change *change, struct bytes text)
{
	struct command_run *run = change->run;
	struct snapshot_document d = change_document(change);
	json_t *then = document_view_text(run, change->kind, text);
	json_t *now = document_view_text(run, change->kind,
					 mirror_text(&run->node->api.documents->keep.mirror,
						     d.tenant, d.kind, d.name));
	bool fit = true;

	for (const struct document_seat *seat = change->kind->seats; fit && seat->quota; seat++) {
		if (seat->member)
			fit = document_seat_is_left(
				run, seat,
				document_seat_is_on(seat, json_object_get(now, seat->member)),
				document_seat_is_on(seat, json_object_get(then, seat->member)));
	}
	json_decref(then);
	json_decref(now);
	return fit;
}

/* Of a stored text: others may have by now what it had. False: the run has failed. */
static bool change_may_be(const struct document_change *change, struct bytes text)
{
	int err;
	void *value = document_parse(change->run->node, change->kind, text, &err);
	bool may = !value || change->kind->check(change->run, value);

	document_drop(change->kind, value);
	return may;
}

/* False: the run has failed. */
static bool change_is_fit(const struct document_change *change)
{
	const struct document_kind *kind = change->kind;
	char *text = change->judged ? json_dumps(change->stored, JSON_COMPACT) : NULL;
	bool fit = !text || ((!kind->check || change_may_be(change, bytes_str(text))) &&
			     (!kind->seats || change_seats_fit(change, bytes_str(text))));

	secret_str_free(text);
	return fit;
}

static void change_start(struct document_change *change)
{
	struct node *node = change->run->node;
	bool begun;

	if (change->stored) {
		begun = change_is_fit(change) && store_put(change, json_incref(change->stored));
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
