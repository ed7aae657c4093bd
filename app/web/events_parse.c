/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses ids, events and filters of /v1/events. Every event of a stream passes events_facts_parse
 * once, so it reads only the few members that filters need, without a JSON library; events come
 * from Redis, and other text is refused. Filters come from clients: each value is bounded and its
 * characters are checked. Pure, and fuzzed.
 */

#include <inttypes.h>

#include "app/web/events.h"
#include "base/glob.h"
#include "base/table.h"
#include "sig/identity/shown.h"

/* ---- ids ---- */

int events_id_compare(struct events_id a, struct events_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

bool events_id_parse(struct bytes text, struct events_id *out)
{
	size_t dash = bytes_find(text, '-');

	*out = (struct events_id){ 0 };
	return !bytes_u64(bytes_sub(text, 0, dash), &out->ms) &&
	       (dash == text.n || !bytes_u64(bytes_from(text, dash + 1), &out->seq));
}

struct bytes events_id_write(char out[EVENTS_ID_MAX], struct events_id id)
{
	struct writer w = writer_over(out, EVENTS_ID_MAX - 1);

	writer_u64(&w, id.ms);
	writer_str(&w, "-");
	writer_u64(&w, id.seq);
	out[w.n] = '\0';
	return writer_done(&w);
}

/* ---- an event ---- */

static void event_blanks(struct bytes *rest)
{
	while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t' || rest->p[0] == '\n' ||
			   rest->p[0] == '\r'))
		*rest = bytes_from(*rest, 1);
}

static bool event_eats(struct bytes *rest, uint8_t c)
{
	event_blanks(rest);
	if (!rest->n || rest->p[0] != c)
		return false;
	*rest = bytes_from(*rest, 1);
	return true;
}

/* The octets between the quotes, unescaped. */
static bool event_string(struct bytes *rest, struct bytes *out)
{
	size_t n = 0;

	if (!event_eats(rest, '"'))
		return false;
	while (n < rest->n && rest->p[n] != '"')
		n += rest->p[n] == '\\' ? 2 : 1;
	if (n >= rest->n)
		return false;
	*out = bytes_sub(*rest, 0, n);
	*rest = bytes_from(*rest, n + 1);
	return true;
}

/* Up to the ',' or '}' behind it; out: set for strings alone. */
static bool event_value(struct bytes *rest, struct bytes *out)
{
	struct bytes text;
	uint32_t depth = 0;

	*out = (struct bytes){ 0 };
	event_blanks(rest);
	if (rest->n && rest->p[0] == '"')
		return event_string(rest, out);
	while (rest->n && (depth || (rest->p[0] != ',' && rest->p[0] != '}'))) {
		uint8_t c = rest->p[0];

		if (c == '"') {
			if (!event_string(rest, &text))
				return false;
			continue;
		}
		if ((c == '}' || c == ']') && !depth)
			return false;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		*rest = bytes_from(*rest, 1);
	}
	return rest->n;
}

bool events_facts_parse(struct bytes json, struct events_facts *out)
{
	struct bytes name, value, from_trunk = { 0 }, to_trunk = { 0 }, from_name = { 0 };
	struct {
		const char *name;
		struct bytes *value;
	} known[] = {
		{ "type", &out->type },        { "call", &out->call },
		{ "from", &out->from },        { "to", &out->to },
		{ "from_trunk", &from_trunk }, { "to_trunk", &to_trunk },
		{ "members", &out->members },  { "from_name", &from_name },
	};

	*out = (struct events_facts){ 0 };
	if (!event_eats(&json, '{'))
		return false;
	do {
		if (!event_string(&json, &name) || !event_eats(&json, ':') ||
		    !event_value(&json, &value))
			return false;
		for (size_t i = 0; i < COUNT_OF(known); i++) {
			if (bytes_is(name, known[i].name))
				*known[i].value = value;
		}
	} while (event_eats(&json, ','));
	out->hides = bytes_is(from_name, PARTY_HIDDEN_NAME);
	if (from_trunk.n || bytes_starts(out->type, "message."))
		out->from = (struct bytes){ 0 };
	if (to_trunk.n)
		out->to = (struct bytes){ 0 };
	return event_eats(&json, '}') && out->type.n;
}

void events_without(struct writer *w, struct bytes json, struct bytes list, bool hides)
{
	struct bytes name, value, from;
	const char *before = "";

	(void)event_eats(&json, '{');
	do {
		event_blanks(&json);
		from = json;
		if (!event_string(&json, &name) || !event_eats(&json, ':') ||
		    !event_value(&json, &value))
			return;
		if (bytes_list_has(list, name))
			continue;
		writer_str(w, before);
		if (hides && bytes_is(name, "from"))
			writer_str(w, "\"from\":\"" PARTY_HIDDEN "\"");
		else
			writer_bytes(w, bytes_sub(from, 0, from.n - json.n));
		before = ",";
	} while (event_eats(&json, ','));
	writer_str(w, "}");
}

/* ---- a filter ---- */

static bool event_char(uint8_t c, const char *more)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       strchr(more, c) != NULL;
}

static bool filter_text(char *out, size_t size, struct bytes value, const char *more)
{
	for (size_t i = 0; i < value.n; i++) {
		if (!value.p[i] || !event_char(value.p[i], more))
			return false;
	}
	return value.n && !bytes_cstr(value, out, size);
}

/* A '*' is allowed at the end of a type alone. */
static bool types_are_right(const char *types)
{
	for (const char *star = strchr(types, '*'); star; star = strchr(star + 1, '*')) {
		if (star[1] && star[1] != ',')
			return false;
	}
	return true;
}

/* "2/3": the second one of three. */
static bool filter_part(struct events_filter *f, struct bytes text)
{
	struct bytes part;
	uint64_t n, of;

	if (!bytes_cut(&text, '/', &part) || bytes_u64(part, &n) || bytes_u64(text, &of) || !n ||
	    n > of || of > EVENTS_PARTS_MAX)
		return false;
	f->part = (uint8_t)(n - 1);
	f->parts = (uint8_t)of;
	return true;
}

/* The same on all nodes. Notices of lost events are for all. */
static bool part_has(const struct events_filter *f, const struct events_facts *facts)
{
	return f->parts < 2 || hash_crc32c(0, facts->call) % f->parts == f->part ||
	       bytes_is(facts->type, "events.lost");
}

/* Text arguments, with allowed characters besides letters and digits. */
static const struct {
	const char *name, *more, *wrong;
	size_t at, size;
} g_filter_texts[] = {
#define FILTER_TEXT(name, member, more, wrong)                             \
	{                                                                  \
		name, more, wrong, offsetof(struct events_filter, member), \
			sizeof(((struct events_filter *)NULL)->member)     \
	}
	FILTER_TEXT("tenant", tenant, "._-", "the name of a tenant is needed"),
	FILTER_TEXT("application", application, "._-", "the name of an application is needed"),
	FILTER_TEXT("call", calls, ",", "ids of calls are needed, joined by ','"),
	FILTER_TEXT("user", users, ",._-+*#", "numbers of extensions are needed, joined by ','"),
	FILTER_TEXT("watch", watch, "._-+", "the number of an extension is needed"),
	FILTER_TEXT("type", types, ",._*",
		    "types of events are needed, joined by ','; * may end one"),
#undef FILTER_TEXT
};

static const char *filter_argument(struct events_filter *f, struct bytes name, struct bytes value)
{
	if (bytes_is(name, "access_token"))
		return NULL;
	if (bytes_is(name, "after")) {
		f->has_after = true;
		return events_id_parse(value, &f->after) ? NULL : "the id of an event is needed";
	}
	for (size_t i = 0; i < COUNT_OF(g_filter_texts); i++) {
		if (bytes_is(name, g_filter_texts[i].name))
			return filter_text((char *)f + g_filter_texts[i].at, g_filter_texts[i].size,
					   value, g_filter_texts[i].more) &&
					       types_are_right(f->types)
				       ? NULL
				       : g_filter_texts[i].wrong;
	}
	if (bytes_is(name, "part"))
		return filter_part(f, value) ? NULL
					     : "PART/PARTS is needed, such as 2/3; at most 64";
	return "events have no such argument";
}

const char *events_filter_parse(struct bytes arguments, struct events_filter *out,
				struct bytes *argument)
{
	struct bytes line;
	const char *wrong;

	*out = (struct events_filter){ 0 };
	*argument = (struct bytes){ 0 };
	while (bytes_cut(&arguments, '\n', &line)) {
		size_t at = bytes_find(line, '=');

		if (!line.n || bytes_is(line, "/")) /* as libwebsockets has a '&' at the end */
			continue;
		*argument = bytes_sub(line, 0, at);
		wrong = filter_argument(out, *argument, bytes_from(line, at + 1));
		if (wrong)
			return wrong;
	}
	if (!out->watch[0])
		return NULL;
	memcpy(out->watched, out->users, sizeof(out->watched));
	memcpy(out->users, out->watch, sizeof(out->watch));
	return out->types[0] ? NULL
			     : filter_argument(out, BYTES_LIT("type"), BYTES_LIT("user.state"));
}

/* A number that is hidden from a listener does not match its users either. */
static bool user_has(const struct events_filter *f, const char *member, struct bytes number)
{
	return !bytes_list_has(bytes_str(f->without), bytes_str(member)) &&
	       bytes_list_has(bytes_str(f->users), number);
}

static bool user_is_member(const struct events_filter *f, struct bytes members)
{
	struct bytes one;

	while (bytes_cut(&members, ',', &one)) {
		if (user_has(f, "to", one))
			return true;
	}
	return false;
}

bool events_filter_has(const struct events_filter *f, const struct events_facts *facts)
{
	return part_has(f, facts) &&
	       (!f->types[0] || glob_list_takes(bytes_str(f->types), facts->type)) &&
	       (!f->calls[0] || bytes_list_has(bytes_str(f->calls), facts->call)) &&
	       (!f->users[0] || user_has(f, "from", facts->from) || user_has(f, "to", facts->to) ||
		user_is_member(f, facts->members));
}
