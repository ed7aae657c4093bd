/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of events and of their fields, the values of an event, and the event as JSON. */
#include "sig/host/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sig/host/cdr.h"
#include "sig/sip/id.h"

enum { VALUES_FIRST = 256 };

const struct event_field_row event_fields[EV_FIELDS] = {
#define EVENT_FIELD(id, name, type, max) [EV_##id] = { name, EVENT_##type, max },
#include "sig/host/event_field.def"
#undef EVENT_FIELD
#define CALL_FACT(member, size, from, name, help) \
	[EV_FACT_##member] = { name, EVENT_TEXT, (size)-1 },
#include "sig/host/call_facts.def"
#undef CALL_FACT
};

const struct event_row event_rows[SIG_EVENT_KINDS] = {
#define EVENT(id, name, audience, help, ...) \
	[SIG_##id] = { name, help, EVENT_FOR_##audience, { __VA_ARGS__ } },
#include "sig/host/event.def"
#undef EVENT
};

#define CALL_FACT(member, ...) EV_FACT_##member | EV_EXTRA,
static const uint16_t g_of_call[] = {
	EV_CALL,       EV_VERSION,  EV_FROM, EV_TO, EV_A_STATE, EV_B_STATE,
#include "sig/host/call_facts.def"
	EV_FROM_TRUNK, EV_TO_TRUNK, EV_NONE,
};
static const uint16_t g_of_account[] = {
	EV_CALL,
	EV_VERSION,
	EV_FROM,
	EV_TO,
	EV_A_STATE,
	EV_B_STATE,
#include "sig/host/call_facts.def"
	EV_NO_ACCOUNT | EV_MAY,
	EV_FROM_TRUNK,
	EV_TO_TRUNK,
	EV_NONE,
};
static const uint16_t g_of_member[] = {
	EV_CALL,       EV_VERSION,  EV_CONFERENCE, EV_NUMBER,  EV_MEMBER,
	EV_FROM,       EV_TO,       EV_A_STATE,    EV_B_STATE,
#include "sig/host/call_facts.def"
	EV_FROM_TRUNK, EV_TO_TRUNK, EV_NONE,
};
#undef CALL_FACT
static const uint16_t g_of_room[] = {
	EV_VERSION, EV_CONFERENCE, EV_NUMBER, EV_MEMBER, EV_TO, EV_NONE,
};
static const uint16_t *const g_groups[] = { g_of_call, g_of_account, g_of_member, g_of_room };

size_t event_row_fields(enum sig_event_kind kind, uint16_t out[EVENT_FIELDS_MAX])
{
	const uint16_t *at = event_rows[kind].fields;
	size_t n = 0;

	if (*at >= EV_OF_CALL && *at < EV_MAY) {
		const uint16_t *group = g_groups[*at++ - EV_OF_CALL];

		while (*group)
			out[n++] = *group++;
	}
	while (*at)
		out[n++] = *at++;
	assert(n <= EVENT_FIELDS_MAX);
	return n;
}

bool event_kind_has(enum sig_event_kind kind, enum event_field field)
{
	uint16_t fields[EVENT_FIELDS_MAX];
	size_t n = event_row_fields(kind, fields);

	while (n > 0 && (fields[n - 1] & EV_FIELD_MASK) != field)
		n--;
	return n > 0;
}

/* ---- values: field, length, octets and a NUL, one behind the other ---- */

struct value_head {
	uint16_t field, n;
};

static uint8_t *event_value_room(struct event_values *v, size_t n)
{
	uint32_t capacity = v->capacity ? v->capacity : VALUES_FIRST;
	uint8_t *p;

	while (capacity - v->n < n)
		capacity *= 2;
	if (capacity != v->capacity) {
		p = reallocarray(v->p, capacity, 1);
		if (!p)
			return NULL;
		v->p = p;
		v->capacity = capacity;
	}
	v->n += (uint32_t)n;
	return v->p + v->n - n;
}

static void event_value_put(struct sig_event *event, enum event_field field, const void *p,
			    size_t n)
{
	struct value_head head = { .field = (uint16_t)field, .n = (uint16_t)n };
	uint8_t *to = event ? event_value_room(&event->values, sizeof(head) + n + 1) : NULL;

	if (!to)
		return;
	memcpy(to, &head, sizeof(head));
	if (n)
		memcpy(to + sizeof(head), p, n);
	to[sizeof(head) + n] = '\0';
}

void event_put(struct sig_event *event, enum event_field field, struct bytes text)
{
	assert(event_fields[field].type == EVENT_TEXT);
	text = bytes_sub(text, 0, event_fields[field].text_max);
	event_value_put(event, field, text.p, text.n);
}

void event_put_str(struct sig_event *event, enum event_field field, const char *text)
{
	if (text)
		event_put(event, field, bytes_str(text));
}

void event_put_number(struct sig_event *event, enum event_field field, uint64_t number)
{
	assert(event_fields[field].type != EVENT_TEXT);
	event_value_put(event, field, &number, sizeof(number));
}

void event_put_recording(struct sig_event *event, uint64_t call, unsigned number)
{
	char text[ID_TEXT_LEN + 12];
	struct writer w = writer_over(text, sizeof(text));

	id_call_put(text, call);
	(void)writer_room(&w, ID_TEXT_LEN);
	writer_number(&w, "-", number, "");
	event_put(event, EV_RECORDING, writer_done(&w));
}

void event_values_find(const struct sig_event *event, struct bytes out[EV_FIELDS])
{
	const struct event_values *v = &event->values;
	struct value_head head;

	memset(out, 0, EV_FIELDS * sizeof(*out));
	for (uint32_t at = 0; at < v->n; at += (uint32_t)sizeof(head) + head.n + 1) {
		memcpy(&head, v->p + at, sizeof(head));
		out[head.field] = bytes_mem(v->p + at + sizeof(head), head.n);
	}
}

static uint64_t value_number(struct bytes value)
{
	uint64_t number = 0;

	if (value.p)
		memcpy(&number, value.p, sizeof(number));
	return number;
}

/* ---- as JSON ---- */

static void write_id(struct writer *w, uint64_t id)
{
	char text[ID_TEXT_LEN];

	id_call_put(text, id);
	writer_u8(w, '"');
	writer_mem(w, text, sizeof(text));
	writer_u8(w, '"');
}

static void event_value_write(struct writer *w, const struct sig_event *event, enum event_type type,
			      struct bytes value)
{
	switch (type) {
	case EVENT_CALL:
		write_id(w, event->call);
		return;
	case EVENT_VERSION:
		writer_u64(w, event->version);
		return;
	case EVENT_ID:
		write_id(w, value_number(value));
		return;
	case EVENT_NUMBER:
		writer_u64(w, value_number(value));
		return;
	case EVENT_FLAG:
		writer_str(w, value_number(value) ? "true" : "false");
		return;
	case EVENT_TEXT:
		json_write_text(w, value);
		return;
	}
}

void event_write_json(struct writer *w, const struct sig_event *event)
{
	struct bytes values[EV_FIELDS];
	uint16_t fields[EVENT_FIELDS_MAX];
	size_t n = event_row_fields(event->kind, fields);

	event_values_find(event, values);
	WRITER_TEXTS(w, "{\"type\":\"", event_rows[event->kind].name, "\"");
	for (size_t i = 0; i < n; i++) {
		const struct event_field_row *row = event_field_of(fields[i]);
		struct bytes value = values[fields[i] & EV_FIELD_MASK];
		bool has = value.p || (row->type == EVENT_CALL && event->call);

		if (fields[i] & EV_MAY && !has)
			continue;
		WRITER_TEXTS(w, ",\"", row->name, "\":");
		event_value_write(w, event, (enum event_type)row->type, value);
	}
	writer_u8(w, '}');
}

void event_clear(struct sig_event *event)
{
	free(event->values.p);
	event->values = (struct event_values){ 0 };
}
