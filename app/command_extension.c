/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "app/command_handlers.h"
#include "app/node.h"
#include "base/log.h"

/* What waits for Redis. */
struct change {
	struct command_run *run;
	struct extension extension; /* put: as it will be */
};

static void change_free(struct change *change)
{
	OPENSSL_cleanse(change, sizeof(*change)); /* the hashes */
	free(change);
}

static void fail_store(struct command_run *run, enum store_result result)
{
	if (result == STORE_UNKNOWN) {
		command_fail(run, COMMAND_UNCERTAIN, NULL, "Redis did not answer in time");
	} else {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis did not accept it");
	}
}

static void on_put(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct change *change = arg;
	struct command_run *run = change->run;
	struct node *node = run->node;

	(void)key;
	(void)version;
	if (result != STORE_OK) {
		fail_store(run, result);
	} else if (shard_extension_put(node->shard, &change->extension.core) ||
		   extensions_put(&node->extensions, &change->extension)) {
		/* It is saved: a node with more room would know it after a restart. */
		command_fail(run, COMMAND_FULL, NULL,
			     "limits.registrations (%" PRIu32 ") is reached",
			     node->settings.limits.registrations);
	} else {
		command_answer(run,
			       extension_to_view(&change->extension, node->settings.sip.realm));
	}
	change_free(change);
}

/* The hashes from password or ha1. False: the run has failed. */
static bool secret_take(struct command_run *run, struct extension *e)
{
	const struct command_value *password = command_value(run, "password");
	const struct command_value *ha1 = command_value(run, "ha1");
	const char *realm = run->node->settings.sip.realm;

	if (password->given && ha1->given) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "ha1", "give password or ha1, not both");
		return false;
	}
	if (ha1->given && extension_ha1_read(&e->core.secret, ha1->text)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "ha1",
			     "ha1 must be 32, 64 and 64 hex digits joined by ':'");
		return false;
	}
	if (password->given) {
		digest_secret_make(&e->core.secret, bytes_str(e->core.number), bytes_str(realm),
				   password->text);
	}
	if (password->given || ha1->given)
		(void)bytes_cstr(bytes_str(realm), e->realm, sizeof(e->realm));
	return true;
}

/* The present extension with what the arguments change. False: the run has failed. */
static bool extension_fill(struct command_run *run, struct extension *e)
{
	const struct command_value *number = command_value(run, "number");
	const struct command_value *name = command_value(run, "display_name");
	const struct command_value *enabled = command_value(run, "enabled");
	const struct command_value *early = command_value(run, "early_media");
	const struct extension *before = extensions_find(&run->node->extensions, number->text);

	if (before) {
		*e = *before;
	} else {
		*e = (struct extension){ .core.enabled = true };
	}
	(void)bytes_cstr(number->text, e->core.number, sizeof(e->core.number));
	if (!before && !command_value(run, "password")->given &&
	    !command_value(run, "ha1")->given) {
		command_fail(run, COMMAND_MISSING_ARGUMENT, "password",
			     "a new extension needs password or ha1");
		return false;
	}
	if (!before &&
	    extensions_count(&run->node->extensions) >= run->node->settings.limits.registrations) {
		command_fail(run, COMMAND_FULL, NULL,
			     "limits.registrations (%" PRIu32 ") is reached",
			     run->node->settings.limits.registrations);
		return false;
	}
	if (name->given)
		(void)bytes_cstr(name->text, e->core.display_name, sizeof(e->core.display_name));
	if (enabled->given)
		e->core.enabled = enabled->number;
	if (early->given)
		e->core.early_media = early->number;
	e->changed_utc_ms = clock_utc_ms();
	return secret_take(run, e);
}

void command_extension_put(struct command_run *run)
{
	struct change *change = calloc(1, sizeof(*change));
	json_t *json;
	char *text;

	if (!change) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	change->run = run;
	if (!extension_fill(run, &change->extension)) {
		change_free(change);
		return;
	}
	json = extension_to_document(&change->extension);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		change_free(change);
		return;
	}
	store_document_put(run->node->store, bytes_str(run->tenant), "extension",
			   bytes_str(change->extension.core.number), bytes_str(text), on_put,
			   change);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
}

void command_extension_get(struct command_run *run)
{
	const struct extension *e =
		extensions_find(&run->node->extensions, command_value(run, "number")->text);

	if (e) {
		command_answer(run, extension_to_view(e, run->node->settings.sip.realm));
	} else {
		command_fail(run, COMMAND_NOT_FOUND, "number", "there is no such extension");
	}
}

static void on_delete(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct command_run *run = arg;
	char number[64];

	(void)key;
	(void)version;
	if (result != STORE_OK) {
		fail_store(run, result);
		return;
	}
	(void)bytes_cstr(command_value(run, "number")->text, number, sizeof(number));
	(void)shard_extension_delete(run->node->shard, number);
	(void)extensions_delete(&run->node->extensions, bytes_str(number));
	command_answer(run, json_pack("{s:s}", "number", number));
}

void command_extension_delete(struct command_run *run)
{
	struct bytes number = command_value(run, "number")->text;

	if (!extensions_find(&run->node->extensions, number)) {
		command_fail(run, COMMAND_NOT_FOUND, "number", "there is no such extension");
	} else {
		store_document_delete(run->node->store, bytes_str(run->tenant), "extension", number,
				      on_delete, run);
	}
}

void command_extension_list(struct command_run *run)
{
	const struct command_value *limit = command_value(run, "limit");

	command_answer(run,
		       extensions_list(&run->node->extensions, command_value(run, "after")->text,
				       limit->given ? limit->number : 100,
				       run->node->settings.sip.realm));
}
