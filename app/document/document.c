/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/document.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/command/command.h"
#include "app/document/document_keep.h"
#include "app/node/node.h"
#include "base/log.h"

struct document_change {
	struct document_change *next;
	struct command_run *run;
	const struct document_kind *kind;
	bool gone;  /* it is deleted */
	char *text; /* as it is put; malloc'ed */
	char name[DOCUMENT_NAME_MAX];
	max_align_t value[];
};

static void change_begin(struct document_change *change);

/* The oldest change is over, its run has ended; the next one may see what it left. */
static void change_end(struct node *node, struct document_change *change)
{
	struct documents *d = &node->documents;

	assert(d->first == change);
	d->first = change->next;
	if (!d->first)
		d->last = NULL;
	if (change->text)
		OPENSSL_cleanse(change->text, strlen(change->text));
	free(change->text);
	OPENSSL_cleanse(change, sizeof(*change) + change->kind->size);
	free(change);
	if (d->first)
		change_begin(d->first);
}

static void fail_store(struct command_run *run, enum store_result result)
{
	if (result == STORE_UNKNOWN) {
		command_fail(run, COMMAND_UNCERTAIN, NULL, "Redis did not answer in time");
	} else {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not accept it");
	}
}

/* What Redis has counts from now on. */
static void take_effect(struct node *node, const struct document_change *change, uint64_t version)
{
	const struct document_kind *kind = change->kind;

	if (change->gone) {
		document_keep_delete(node, kind->name, bytes_str(change->name), version);
		kind->forget(node, change->name);
		command_answer(change->run, json_pack("{s:s}", kind->argument, change->name));
	} else if (kind->apply(node, change->value)) {
		/* It is saved: a node with more room would know it after a restart. */
		command_fail(change->run, COMMAND_FULL, NULL, "%s is reached", kind->limit);
	} else {
		command_answer(change->run, kind->show(node, change->value));
	}
}

static void on_stored(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct document_change *change = arg;
	struct node *node = change->run->node;

	(void)key;
	if (result == STORE_OK) {
		if (!change->gone)
			document_keep_put(node, change->kind->name, bytes_str(change->name),
					  version, bytes_str(change->text));
		take_effect(node, change, version);
	} else {
		fail_store(change->run, result);
	}
	change_end(node, change);
}

static bool store_put(struct document_change *change)
{
	json_t *json = change->kind->write(change->run->node, change->value);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text) {
		command_fail(change->run, COMMAND_INTERNAL, NULL, "out of memory");
		return false;
	}
	change->kind->name_of(change->value, change->name);
	store_document_put(change->run->node->store, bytes_str(change->run->tenant),
			   change->kind->name, bytes_str(change->name), bytes_str(text), on_stored,
			   change);
	change->text = text;
	return true;
}

static bool store_delete(struct document_change *change)
{
	store_document_delete(change->run->node->store, bytes_str(change->run->tenant),
			      change->kind->name, bytes_str(change->name), on_stored, change);
	return true;
}

static void change_begin(struct document_change *change)
{
	struct node *node = change->run->node;
	bool begun;

	if (change->gone) {
		begun = change->kind->aim(change->run, change->name) && store_delete(change);
	} else {
		begun = change->kind->make(change->run, change->value) && store_put(change);
	}
	if (!begun)
		change_end(node, change);
}

static void document_add(struct command_run *run, const struct document_kind *kind, bool gone)
{
	struct document_change *change = calloc(1, sizeof(*change) + kind->size);
	struct documents *d = &run->node->documents;

	if (!change) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	change->run = run;
	change->kind = kind;
	change->gone = gone;
	if (d->last) {
		d->last->next = change;
		d->last = change;
	} else {
		d->first = d->last = change;
		change_begin(change);
	}
}

bool document_is_changing(const struct documents *d, const char *kind, struct bytes name)
{
	return d->first && !strcmp(d->first->kind->name, kind) && bytes_is(name, d->first->name);
}

void document_put(struct command_run *run, const struct document_kind *kind)
{
	document_add(run, kind, false);
}

void document_delete(struct command_run *run, const struct document_kind *kind)
{
	document_add(run, kind, true);
}

int document_load(struct node *node, const struct document_kind *kind, struct bytes name,
		  struct bytes json)
{
	const char *reason = "";
	void *value = calloc(1, kind->size);
	int err = value ? kind->read(node, value, json, &reason) : -ENOMEM;

	if (err == -EBADMSG) {
		LOG_ERROR("node", 0, "a document is broken: it is set aside",
			  LOG_STR("kind", kind->name), LOG_BYTES("name", name),
			  LOG_STR("member", reason));
	} else if (err == -EPROTONOSUPPORT) {
		LOG_ERROR("node", 0, "a document is of a later program",
			  LOG_STR("kind", kind->name), LOG_BYTES("name", name));
	} else if (err || kind->apply(node, value)) {
		LOG_ERROR("node", 0, "no room for a document", LOG_STR("kind", kind->name),
			  LOG_BYTES("name", name), LOG_STR("limit", kind->limit));
		err = 0; /* the document is fine */
	}
	if (value)
		OPENSSL_cleanse(value, kind->size);
	free(value);
	if (!err)
		document_keep_put(node, kind->name, name, node->documents.keep.shelf.generation,
				  json);
	return err;
}
