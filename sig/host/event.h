/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what happens, for subscribers. Each kind is a row of sig/host/event.def: its name, its
 * fields, who may see it. An event is written where it happens, and has the values of its fields in
 * one buffer. As JSON it is an object with the fields of its row, in their order.
 */
#ifndef SIG_HOST_EVENT_H
#define SIG_HOST_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum sig_event_kind {
#define EVENT(id, ...) SIG_##id,
#include "sig/host/event.def"
#undef EVENT
	SIG_EVENT_KINDS,
};

/* CALL, VERSION: the event's own. ID: another call, as text. Without a value a text is empty, and a
 * number is 0. */
enum event_type { EVENT_CALL, EVENT_VERSION, EVENT_ID, EVENT_NUMBER, EVENT_FLAG, EVENT_TEXT };

enum event_field {
	EV_NONE,
#define EVENT_FIELD(id, ...) EV_##id,
#include "sig/host/event_field.def"
#undef EVENT_FIELD
#define CALL_FACT(member, ...) EV_FACT_##member,
#include "sig/host/call_facts.def"
#undef CALL_FACT
	EV_FIELDS,
	/* Groups of fields in rows. ACCOUNT: as CALL, with an account code that may be empty. */
	EV_OF_CALL = EV_FIELDS,
	EV_OF_ACCOUNT,
	EV_OF_MEMBER, /* of a conference */
	EV_OF_ROOM,
	/* Flags of a field in a row. MAY: it is left out without a value. EXTRA: likewise, and
	 * lists of fields do not name it. */
	EV_MAY = 0x100,
	EV_EXTRA = 0x300,
	EV_FIELD_MASK = 0xff,
};

/* TENANT: the tenant's stream has it, and that of the application that has the call. APPLICATION:
 * the latter alone, where there is one. */
enum event_audience { EVENT_FOR_TENANT, EVENT_FOR_APPLICATION };

enum { EVENT_ROW_MAX = 12, EVENT_FIELDS_MAX = 40 };

struct event_field_row {
	const char *name;
	uint8_t type;      /* enum event_type */
	uint16_t text_max; /* octets */
};
struct event_row {
	const char *name, *help;
	uint8_t audience;               /* enum event_audience */
	uint16_t fields[EVENT_ROW_MAX]; /* ends with EV_NONE */
};
extern const struct event_field_row event_fields[EV_FIELDS];
extern const struct event_row event_rows[SIG_EVENT_KINDS];

/* Id of an event: call and version. */
struct sig_event {
	enum sig_event_kind kind;
	uint64_t call; /* or a subscription; 0: it is of none */
	uint64_t version;
	char tenant[32];
	char application[33]; /* that has the call, or is offered it; "": none */
	struct event_values {
		uint8_t *p; /* owned */
		uint32_t n, capacity;
	} values;
};

/*
 * Sets a field, which has its last value. Fields that are not in the row are not told. Without
 * memory a field has no value. event NULL: there was no memory for it, and nothing is done.
 */
void event_put(struct sig_event *event, enum event_field field, struct bytes text);
void event_put_str(struct sig_event *event, enum event_field field,
		   const char *text); /* NULL: no value */
void event_put_number(struct sig_event *event, enum event_field field, uint64_t number);
/* The name of a recording: CALL-NUMBER. */
void event_put_recording(struct sig_event *event, uint64_t call, unsigned number);
/* The value of each field; p NULL: it has none. A NUL follows a text; a number is an uint64_t. */
void event_values_find(const struct sig_event *event, struct bytes out[EV_FIELDS]);

/* The fields of a kind in their order, without type, with their flags; returns how many. */
size_t event_row_fields(enum sig_event_kind kind, uint16_t out[EVENT_FIELDS_MAX]);
bool event_kind_has(enum sig_event_kind kind, enum event_field field);
/* Of one of those. */
static inline const struct event_field_row *event_field_of(uint16_t field)
{
	return &event_fields[field & EV_FIELD_MASK];
}
static inline bool event_field_is_listed(uint16_t field)
{
	return (field & EV_EXTRA) != EV_EXTRA;
}
void event_write_json(struct writer *w, const struct sig_event *event);
/* Frees the values. */
void event_clear(struct sig_event *event);

#endif
