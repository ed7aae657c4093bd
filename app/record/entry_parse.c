/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of recordings in Redis: made of sidecars, parsed, filtered by party, mailbox and time,
 * and joined into rows of lists. tandem-store writes them, recording.list and mailboxes read them
 * on every node. An entry may come from another version or node, so only known members of the right
 * type are taken. Pure.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/record/entry.h"

enum entry_kind { ENTRY_TEXT, ENTRY_NUMBER, ENTRY_FLAG };

/* Of the sidecar. */
static const struct entry_member {
	const char *key;
	enum entry_kind kind;
} g_members[] = {
	{ "call", ENTRY_TEXT },     { "number", ENTRY_NUMBER },     { "segment", ENTRY_NUMBER },
	{ "last", ENTRY_FLAG },     { "interrupted", ENTRY_FLAG },  { "format", ENTRY_TEXT },
	{ "begun", ENTRY_TEXT },    { "ended", ENTRY_TEXT },        { "from", ENTRY_TEXT },
	{ "to", ENTRY_TEXT },       { "direction", ENTRY_TEXT },    { "duration_ms", ENTRY_NUMBER },
	{ "octets", ENTRY_NUMBER }, { "account_code", ENTRY_TEXT }, { "encrypted", ENTRY_TEXT },
	{ "mailbox", ENTRY_TEXT },  { "heard", ENTRY_FLAG },        { "cause", ENTRY_TEXT },
	{ "draft", ENTRY_FLAG },    { "from_name", ENTRY_TEXT },
};
/* Of its state. */
static const struct entry_member g_own[] = {
	{ "name", ENTRY_TEXT }, { "tenant", ENTRY_TEXT },  { "state", ENTRY_TEXT },
	{ "node", ENTRY_TEXT }, { "node_id", ENTRY_TEXT }, { "said_utc_ms", ENTRY_NUMBER },
};

const char *const g_entry_states[] = {
	"kept", "waits", "delivered", "dead", "deleted", "lost", NULL
};

static bool entry_is(const json_t *value, enum entry_kind kind)
{
	switch (kind) {
	case ENTRY_TEXT:
		return json_is_string(value);
	case ENTRY_NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case ENTRY_FLAG:
		break;
	}
	return json_is_boolean(value);
}

void entry_facts(json_t *json, const json_t *sidecar)
{
	for (size_t i = 0; i < COUNT_OF(g_members); i++) {
		json_t *value = json_object_get(sidecar, g_members[i].key);

		if (entry_is(value, g_members[i].kind))
			(void)json_object_set(json, g_members[i].key, value);
	}
}

bool entry_is_of(const json_t *json, const char *party)
{
	const char *from = json_string_value(json_object_get(json, "from"));
	const char *to = json_string_value(json_object_get(json, "to"));

	return (from && !strcmp(from, party)) || (to && !strcmp(to, party));
}

/* As wav_time_put writes it. */
static int entry_time_read(const char *text, json_int_t *utc_ms)
{
	struct tm tm = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (!rest)
		return -EINVAL;
	*utc_ms = (json_int_t)timegm(&tm) * 1000;
	if (*rest == '.')
		*utc_ms += (json_int_t)strtoul(rest + 1, NULL, 10);
	return 0;
}

bool entry_is_between(const json_t *json, const json_t *args)
{
	const json_t *since = json_object_get(args, ENTRY_SINCE_MS);
	const json_t *until = json_object_get(args, ENTRY_UNTIL_MS);
	json_int_t began;

	if (!since && !until)
		return true;
	return !entry_time_read(json_string_value(json_object_get(json, "begun")), &began) &&
	       began >= json_integer_value(since) && (!until || began <= json_integer_value(until));
}

bool entry_is_there(const json_t *json)
{
	const char *state = json_string_value(json_object_get(json, "state"));

	return state && strcmp(state, g_entry_states[ENTRY_DELETED]) != 0 &&
	       strcmp(state, g_entry_states[ENTRY_LOST]) != 0;
}

bool entry_has_audio(const json_t *json)
{
	return json_is_true(json_object_get(json, "heard"));
}

bool entry_lies_in(const json_t *json, const char *mailbox)
{
	const char *own = json_string_value(json_object_get(json, "mailbox"));

	return own && !strcmp(own, mailbox);
}

struct bytes entry_stem(const char *name)
{
	const char *slash = strrchr(name, '/');
	struct bytes file = bytes_str(slash ? slash + 1 : name), stem;

	return bytes_cut(&file, '.', &stem) ? stem : file;
}

bool entry_is_message(const json_t *json)
{
	const char *cause = json_string_value(json_object_get(json, "cause"));

	return cause && !strcmp(cause, "message");
}

bool entry_is_part(const char *first, const char *name, const json_t *json)
{
	size_t tenant = strcspn(name, "/");

	return entry_is_message(json) && strcmp(first, name) != 0 &&
	       !strncmp(first, name, tenant + 1) && bytes_eq(entry_stem(first), entry_stem(name));
}

static void entry_sum(json_t *row, const json_t *part, const char *key)
{
	(void)json_object_set_new(row, key,
				  json_integer(json_integer_value(json_object_get(row, key)) +
					       json_integer_value(json_object_get(part, key))));
}

void entry_add_part(json_t *row, const json_t *part)
{
	static const char *const latest[] = { "last", "ended" };
	json_t *parts = json_object_get(row, "parts");
	bool has_end = json_is_true(json_object_get(row, "last"));

	if (!parts) {
		parts = json_array();
		(void)json_object_set_new(row, "parts", parts);
	}
	(void)json_array_append_new(parts,
				    json_pack("{s:O, s:O}", "name", json_object_get(part, "name"),
					      "node", json_object_get(part, "node")));
	entry_sum(row, part, "duration_ms");
	entry_sum(row, part, "octets");
	(void)json_object_set_new(row, "interrupted", json_true());
	for (size_t i = 0; i < COUNT_OF(latest); i++) {
		json_t *value = json_object_get(part, latest[i]);

		if (value && !has_end)
			(void)json_object_set(row, latest[i], value);
	}
}

void entry_list_start(struct entry_list *l, size_t most)
{
	*l = (struct entry_list){ .rows = json_array(), .most = most, .segments = json_array() };
}

bool entry_list_is_full(const struct entry_list *l)
{
	return json_array_size(l->rows) >= l->most;
}

static void entry_list_put(struct entry_list *l)
{
	size_t n = json_array_size(l->segments);
	json_t *row = n ? json_array_get(l->segments, --n) : NULL;

	if (row && l->wanted && !entry_list_is_full(l)) {
		while (n > 0)
			entry_add_part(row, json_array_get(l->segments, --n));
		(void)json_array_append(l->rows, row);
	}
	(void)json_array_clear(l->segments);
}

void entry_list_add(struct entry_list *l, json_t *json, bool wanted)
{
	size_t n = json_array_size(l->segments);
	const json_t *next = n ? json_array_get(l->segments, n - 1) : NULL;
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *behind = json_string_value(json_object_get(next, "name"));

	if (!name || !behind || !entry_is_part(name, behind, next))
		entry_list_put(l);
	l->wanted = wanted;
	(void)json_array_append_new(l->segments, json);
}

json_t *entry_list_end(struct entry_list *l)
{
	json_t *rows = l->rows;

	entry_list_put(l);
	json_decref(l->segments);
	*l = (struct entry_list){ 0 };
	return rows;
}

/* False: a member has another type. */
static bool entry_members_copy(json_t *out, const json_t *from, const struct entry_member *members,
			       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(from, members[i].key);

		if (value && (!entry_is(value, members[i].kind) ||
			      json_object_set(out, members[i].key, value)))
			return false;
	}
	return true;
}

static bool entry_says(const json_t *json, const char *key, struct bytes text)
{
	const json_t *value = json_object_get(json, key);

	return value &&
	       bytes_eq(text, bytes_mem(json_string_value(value), json_string_length(value)));
}

static bool entry_state_is_known(const json_t *json)
{
	const char *state = json_string_value(json_object_get(json, "state"));
	unsigned i = 0;

	while (state && i < ENTRY_STATES && strcmp(state, g_entry_states[i]) != 0)
		i++;
	return state && i < ENTRY_STATES;
}

static json_t *entry_place_read(const json_t *from)
{
	static const struct entry_member members[] = { { "to", ENTRY_TEXT },
						       { "url", ENTRY_TEXT } };
	json_t *out = json_object();

	if (json_is_object(from) && json_object_get(from, "to") &&
	    entry_members_copy(out, from, members, COUNT_OF(members)))
		return out;
	json_decref(out);
	return NULL;
}

/* Places where it is stored; absent: none. */
static bool entry_places(json_t *out, const json_t *from)
{
	const json_t *list = json_object_get(from, "stored");
	json_t *places = json_array();
	bool good = !list || (json_is_array(list) && json_array_size(list) <= ENTRY_STORED_MAX);

	for (size_t i = 0; good && i < json_array_size(list); i++)
		good = !json_array_append_new(places, entry_place_read(json_array_get(list, i)));
	return !json_object_set_new(out, "stored", places) && good;
}

static bool entry_read(json_t *out, const json_t *from, struct bytes name)
{
	struct bytes rest = name, tenant;

	return json_is_object(from) && bytes_cut(&rest, '/', &tenant) &&
	       entry_says(from, "name", name) && entry_says(from, "tenant", tenant) &&
	       entry_state_is_known(from) && json_is_string(json_object_get(from, "node")) &&
	       entry_members_copy(out, from, g_own, COUNT_OF(g_own)) &&
	       entry_members_copy(out, from, g_members, COUNT_OF(g_members)) &&
	       entry_places(out, from);
}

json_t *entry_parse(struct bytes name, struct bytes text)
{
	json_t *from = text.n && text.n <= ENTRY_MAX ? json_loadb((const char *)text.p, text.n,
								  JSON_REJECT_DUPLICATES, NULL)
						     : NULL;
	json_t *out = json_object();
	bool good = entry_read(out, from, name);

	json_decref(from);
	if (good)
		return out;
	json_decref(out);
	return NULL;
}

char *entry_write(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	if (text && strlen(text) <= ENTRY_MAX)
		return text;
	free(text);
	return NULL;
}
