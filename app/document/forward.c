/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/forward.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "app/command/command_handlers.h"

/* In the order in which they are shown. */
static const struct {
	const char *name;
	size_t at;
} g_targets[FORWARD_TARGETS] = {
	{ "forward_always", offsetof(struct shard_forward, always) },
	{ "forward_busy", offsetof(struct shard_forward, busy) },
	{ "forward_no_answer", offsetof(struct shard_forward, no_answer) },
	{ "forward_unreachable", offsetof(struct shard_forward, unreachable) },
};

static const struct {
	const char *name;
	size_t at;
} g_flags[] = {
	{ "do_not_disturb", offsetof(struct shard_forward, do_not_disturb) },
	{ "smart_do_not_disturb", offsetof(struct shard_forward, smart_do_not_disturb) },
};

const char *forward_target(const struct shard_forward *f, size_t target)
{
	assert(target < FORWARD_TARGETS);
	return (const char *)f + g_targets[target].at;
}

static void forward_target_set(struct shard_forward *f, size_t target, struct bytes text)
{
	char *out = (char *)f + g_targets[target].at;

	assert(text.n < FORWARD_LIST_MAX);
	memset(out, 0, FORWARD_LIST_MAX);
	(void)bytes_cstr(text, out, FORWARD_LIST_MAX);
}

static bool *forward_flag(struct shard_forward *f, size_t flag)
{
	return (bool *)((char *)f + g_flags[flag].at);
}

static bool forward_has(const struct shard_forward *f, size_t flag)
{
	return *(const bool *)((const char *)f + g_flags[flag].at);
}

static const char *list_wrong(struct bytes list, const char *number)
{
	struct bytes one;
	uint32_t count = 0;

	if (list.n && (list.p[list.n - 1] == ',' || list.p[0] == ','))
		return "there is no number before or behind a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n >= FORWARD_TARGET_MAX)
			return "each number has 1 to 31 characters";
		if (number[0] && bytes_is(one, number))
			return "an extension cannot forward to itself";
		if (++count > FORWARD_NUMBERS_MAX)
			return "there are at most 8 numbers";
	}
	return NULL;
}

const char *forward_wrong(const struct shard_forward *f, const char *number, const char **reason)
{
	for (size_t i = 0; i < FORWARD_TARGETS; i++) {
		*reason = list_wrong(bytes_str(forward_target(f, i)), number);
		if (*reason)
			return g_targets[i].name;
	}
	return NULL;
}

bool forward_take(struct command_run *run, const char *number, struct shard_forward *f)
{
	const struct command_value *application = command_value(run, "application");
	uint32_t rings = f->rings, wait_s = f->application_wait_s;
	const char *wrong, *reason;

	for (size_t i = 0; i < FORWARD_TARGETS; i++) {
		const struct command_value *target = command_value(run, g_targets[i].name);

		if (target->given)
			forward_target_set(f, i, target->text);
	}
	for (size_t i = 0; i < COUNT_OF(g_flags); i++)
		command_take_bool(run, g_flags[i].name, forward_flag(f, i));
	command_take_u32(run, "forward_rings", &rings);
	f->rings = (uint8_t)rings;
	if (application->given)
		(void)bytes_cstr(application->text, f->application, sizeof(f->application));
	command_take_u32(run, "application_wait_s", &wait_s);
	f->application_wait_s = (uint16_t)wait_s;
	wrong = forward_wrong(f, number, &reason);
	if (wrong)
		command_fail(run, COMMAND_BAD_ARGUMENT, wrong, "%s: %s", wrong, reason);
	return !wrong;
}

json_t *forward_json(const struct shard_forward *f)
{
	json_t *json = json_pack("{s:i}", "forward_rings", f->rings);
	int err = json ? 0 : -1;

	for (size_t i = 0; !err && i < COUNT_OF(g_flags); i++)
		err = json_object_set_new(json, g_flags[i].name, json_boolean(forward_has(f, i)));
	for (size_t i = 0; !err && i < FORWARD_TARGETS; i++)
		err = json_object_set_new(json, g_targets[i].name,
					  json_string(forward_target(f, i)));
	if (!err)
		err = json_object_set_new(json, "application", json_string(f->application));
	if (!err)
		err = json_object_set_new(json, "application_wait_s",
					  json_integer(f->application_wait_s));
	if (!err)
		return json;
	json_decref(json);
	return NULL;
}

/* It becomes part of a key. */
static void application_fill(struct document_reader *r, struct shard_forward *f)
{
	uint32_t wait_s = 0;

	if (json_object_get(r->json, "application"))
		document_text(r, "application", f->application, sizeof(f->application));
	if (!command_allows(CHARSET_NAME, bytes_str(f->application)))
		document_refuse(r, "application");
	document_u32(r, "application_wait_s", 0, APPLICATION_WAIT_MAX_S, &wait_s);
	f->application_wait_s = (uint16_t)wait_s;
}

/* It becomes part of headers: no other character may be in it, whoever wrote the document. */
static void target_fill(struct document_reader *r, struct shard_forward *f, size_t target)
{
	const char *name = g_targets[target].name;
	char text[FORWARD_LIST_MAX] = "";

	if (!json_object_get(r->json, name))
		return;
	document_text(r, name, text, sizeof(text));
	if (command_allows(CHARSET_NUMBERS, bytes_str(text))) {
		forward_target_set(f, target, bytes_str(text));
	} else {
		document_refuse(r, name);
	}
}

void forward_fill(struct document_reader *r, const char *number, struct shard_forward *f)
{
	uint32_t rings = 0;
	const char *wrong, *reason;

	for (size_t i = 0; i < FORWARD_TARGETS; i++)
		target_fill(r, f, i);
	document_u32(r, "forward_rings", 0, FORWARD_RINGS_MAX, &rings);
	f->rings = (uint8_t)rings;
	for (size_t i = 0; i < COUNT_OF(g_flags); i++)
		document_bool(r, g_flags[i].name, forward_flag(f, i));
	application_fill(r, f);
	wrong = forward_wrong(f, number, &reason);
	if (wrong)
		document_refuse(r, wrong);
}
