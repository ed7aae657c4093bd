/* SPDX-License-Identifier: Apache-2.0 */
#include "app/live/live_wire.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/json.h"

/* ---- what the node says ---- */

static void member_text(struct writer *w, const char *name, const char *text)
{
	writer_str(w, ",\"");
	writer_str(w, name);
	writer_str(w, "\":");
	json_write_text(w, bytes_str(text));
}

static void member_number(struct writer *w, const char *name, uint64_t number)
{
	writer_str(w, ",\"");
	writer_str(w, name);
	writer_str(w, "\":");
	writer_u64(w, number);
}

static void live_event_begin(struct writer *w, const char *event)
{
	writer_str(w, "{\"event\":\"");
	writer_str(w, event);
	writer_str(w, "\"");
}

static void live_event_end(struct writer *w)
{
	writer_str(w, "}");
}

static const char *const g_tracks[2][2] = {
	{ ",\"tracks\":[]", ",\"tracks\":[\"heard\"]" },
	{ ",\"tracks\":[\"said\"]", ",\"tracks\":[\"said\",\"heard\"]" },
};

void live_write_start(struct writer *w, const struct live_start *s)
{
	const char leg[] = { s->leg, '\0' };

	live_event_begin(w, "start");
	member_number(w, "version", 1);
	member_text(w, "call", s->call);
	member_text(w, "leg", leg);
	member_text(w, "tenant", s->tenant);
	member_text(w, "endpoint", s->endpoint);
	member_text(w, "format", s->format == LIVE_ULAW ? "ulaw" : "l16");
	member_number(w, "rate", s->rate);
	member_number(w, "channels", (uint64_t)s->said + (uint64_t)s->heard);
	writer_str(w, g_tracks[s->said][s->heard]);
	writer_str(w, s->listens ? ",\"listens\":true" : ",\"listens\":false");
	member_number(w, "frame_ms", 20);
	writer_str(w, s->resumed ? ",\"resumed\":true" : ",\"resumed\":false");
	member_number(w, "connected", s->times);
	live_event_end(w);
}

void live_write_mark(struct writer *w, const char *name)
{
	live_event_begin(w, "mark");
	member_text(w, "name", name);
	live_event_end(w);
}

void live_write_missed(struct writer *w, uint32_t frames, uint32_t ms)
{
	live_event_begin(w, "missed");
	member_number(w, "frames", frames);
	member_number(w, "ms", ms);
	live_event_end(w);
}

void live_write_refused(struct writer *w, uint64_t octets, uint32_t ms)
{
	live_event_begin(w, "refused");
	member_number(w, "octets", octets);
	member_number(w, "ms", ms);
	live_event_end(w);
}

void live_write_digit(struct writer *w, char digit)
{
	const char text[] = { digit, '\0' };

	live_event_begin(w, "dtmf");
	member_text(w, "digit", text);
	live_event_end(w);
}

void live_write_stop(struct writer *w, const char *reason)
{
	live_event_begin(w, "stop");
	member_text(w, "reason", reason);
	live_event_end(w);
}

/* ---- what the application says ---- */

static bool is_printable(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	}
	return true;
}

static int mark_read(struct live_said *out, const json_t *json)
{
	const json_t *name = json_object_get(json, "name");
	size_t n = json_string_length(name);

	if (!json_is_string(name) || n == 0 || n > LIVE_MARK_MAX ||
	    !is_printable(json_string_value(name), n))
		return -EBADMSG;
	memcpy(out->name, json_string_value(name), n);
	return 0;
}

static int live_said_read(struct live_said *out, const json_t *json)
{
	static const char *const words[] = {
		[LIVE_SAID_STARTED] = "started",
		[LIVE_SAID_MARK] = "mark",
		[LIVE_SAID_CLEAR] = "clear",
		[LIVE_SAID_STOP] = "stop",
	};
	const char *event = json_string_value(json_object_get(json, "event"));

	for (size_t i = 0; event && i < COUNT_OF(words); i++) {
		if (strcmp(event, words[i]) != 0)
			continue;
		out->kind = (enum live_said_kind)i;
		return out->kind == LIVE_SAID_MARK ? mark_read(out, json) : 0;
	}
	return -EBADMSG;
}

int live_said_parse(struct live_said *out, struct bytes text)
{
	struct live_said said = { 0 };
	json_error_t error;
	json_t *json;
	int err;

	if (text.n > LIVE_TEXT_MAX)
		return -EMSGSIZE;
	json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
	err = json_is_object(json) ? live_said_read(&said, json) : -EBADMSG;
	json_decref(json);
	if (!err)
		*out = said;
	return err;
}
