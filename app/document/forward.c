/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/forward.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "app/command/command.h"

static const struct {
	const char *name;
	size_t at;
} g_targets[FORWARD_TARGETS] = {
	{ "forward_always", offsetof(struct shard_forward, always) },
	{ "forward_busy", offsetof(struct shard_forward, busy) },
	{ "forward_no_answer", offsetof(struct shard_forward, no_answer) },
	{ "forward_unreachable", offsetof(struct shard_forward, unreachable) },
};

const char *forward_target_name(size_t target)
{
	assert(target < FORWARD_TARGETS);
	return g_targets[target].name;
}

const char *forward_target(const struct shard_forward *f, size_t target)
{
	assert(target < FORWARD_TARGETS);
	return (const char *)f + g_targets[target].at;
}

void forward_target_set(struct shard_forward *f, size_t target, struct bytes text)
{
	char *out = (char *)f + g_targets[target].at;

	assert(target < FORWARD_TARGETS && text.n < FORWARD_TARGET_MAX);
	memset(out, 0, FORWARD_TARGET_MAX);
	(void)bytes_cstr(text, out, FORWARD_TARGET_MAX);
}

const char *forward_to_itself(const struct shard_forward *f, const char *number)
{
	for (size_t i = 0; i < FORWARD_TARGETS; i++) {
		if (number[0] && !strcmp(forward_target(f, i), number))
			return g_targets[i].name;
	}
	return NULL;
}

json_t *forward_json(const struct shard_forward *f)
{
	json_t *json = json_pack("{s:i, s:b}", "forward_rings", f->rings, "do_not_disturb",
				 f->do_not_disturb);
	int err = json ? 0 : -1;

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
	char text[FORWARD_TARGET_MAX] = "";

	if (!json_object_get(r->json, name))
		return;
	document_text(r, name, text, sizeof(text));
	if (command_allows(CHARSET_NUMBER, bytes_str(text))) {
		forward_target_set(f, target, bytes_str(text));
	} else {
		document_refuse(r, name);
	}
}

void forward_fill(struct document_reader *r, const char *number, struct shard_forward *f)
{
	uint32_t rings = 0;
	const char *itself;

	for (size_t i = 0; i < FORWARD_TARGETS; i++)
		target_fill(r, f, i);
	document_u32(r, "forward_rings", 0, FORWARD_RINGS_MAX, &rings);
	f->rings = (uint8_t)rings;
	document_bool(r, "do_not_disturb", &f->do_not_disturb);
	application_fill(r, f);
	itself = forward_to_itself(f, number);
	if (itself)
		document_refuse(r, itself);
}
