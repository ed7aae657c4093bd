/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of as-feature-event (feature_event.h): writes do not disturb and forwarding states in
 * the form of ECMA-323, and parses what a phone sets. Namespaces and elements are exactly those
 * that phones expect, as they stop at others. Pure; features.c decides what is sent and set. */

#include "sig/subscription/feature_event.h"

#include <errno.h>

#include "sig/sip/body.h"
#include "sig/sip/xml.h"

/* A phone that misses the namespace, or finds another one there, does not read on. */
#define FEATURE_EVENT_SPACE "http://www.ecma-international.org/standards/ecma-323/csta/ed3"

struct feature_event_kind {
	const char *type; /* forwardingType; NULL: do not disturb */
	enum feature_action on, off;
};

static const struct feature_event_kind g_kinds[FEATURE_EVENT_PARTS] = {
	[FEATURE_EVENT_DISTURB] = { NULL, FEATURE_DISTURB_OFF, FEATURE_DISTURB_ON },
	[FEATURE_EVENT_ALWAYS] = { "forwardImmediate", FEATURE_ALWAYS_ON, FEATURE_ALWAYS_OFF },
	[FEATURE_EVENT_BUSY] = { "forwardBusy", FEATURE_BUSY_ON, FEATURE_BUSY_OFF },
	[FEATURE_EVENT_NO_ANSWER] = { "forwardNoAns", FEATURE_NO_ANSWER_ON, FEATURE_NO_ANSWER_OFF },
};

static void feature_event_element(struct writer *w, const char *name, struct bytes value)
{
	WRITER_TEXTS(w, "<", name, ">");
	xml_write(w, value);
	WRITER_TEXTS(w, "</", name, ">\r\n");
}

static void feature_event_flag(struct writer *w, const char *name, bool on)
{
	feature_event_element(w, name, bytes_str(on ? "true" : "false"));
}

static const char *feature_event_target(const struct shard_forward *f, enum feature_event_part part)
{
	switch (part) {
	case FEATURE_EVENT_ALWAYS:
		return f->always;
	case FEATURE_EVENT_BUSY:
		return f->busy;
	case FEATURE_EVENT_NO_ANSWER:
		return f->no_answer;
	case FEATURE_EVENT_DISTURB:
	case FEATURE_EVENT_PARTS:
		break;
	}
	return "";
}

/* Of several numbers the first one: a phone shows one. */
static void feature_event_forwarding(struct writer *w, enum feature_event_part part,
				     const struct shard_forward *f)
{
	struct bytes all = bytes_str(f ? feature_event_target(f, part) : ""), first = { 0 };

	(void)bytes_cut(&all, ',', &first);
	feature_event_element(w, "forwardingType", bytes_str(g_kinds[part].type));
	feature_event_flag(w, "forwardStatus", first.n);
	feature_event_element(w, "forwardTo", first);
	if (part == FEATURE_EVENT_NO_ANSWER && f && f->rings)
		writer_number(w, "<ringCount>", f->rings, "</ringCount>\r\n");
}

void feature_event_write(struct writer *w, enum feature_event_part part, struct bytes number,
			 const struct shard_forward *forward)
{
	const char *root = g_kinds[part].type ? "ForwardingEvent" : "DoNotDisturbEvent";

	WRITER_TEXTS(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<", root,
		     " xmlns=\"" FEATURE_EVENT_SPACE "\">\r\n");
	feature_event_element(w, "device", number);
	if (g_kinds[part].type)
		feature_event_forwarding(w, part, forward);
	else
		feature_event_flag(w, "doNotDisturbOn", forward && forward->do_not_disturb);
	WRITER_TEXTS(w, "</", root, ">\r\n");
}

/* ---- what a phone says ---- */

enum { FEATURE_EVENT_VALUE_MAX = 256 };

/* Values of the elements within the root element. */
struct feature_event_values {
	char root[32], disturb[8], type[32], active[8], target[FEATURE_EVENT_VALUE_MAX], rings[8];
};

/* NULL: it says nothing to the node. */
static char *feature_event_place(struct feature_event_values *v, struct bytes name, size_t *cap)
{
	const struct {
		const char *name;
		char *value;
		size_t cap;
	} list[] = { { "doNotDisturbOn", v->disturb, sizeof(v->disturb) },
		     { "forwardingType", v->type, sizeof(v->type) },
		     { "activateForward", v->active, sizeof(v->active) },
		     { "forwardDN", v->target, sizeof(v->target) },
		     { "ringCount", v->rings, sizeof(v->rings) } };

	for (size_t i = 0; i < COUNT_OF(list); i++) {
		*cap = list[i].cap;
		if (bytes_is(name, list[i].name))
			return list[i].value;
	}
	return NULL;
}

/* False: it is no text, or a longer one than any that is known. */
static bool feature_event_text(struct bytes text, char *out, size_t cap)
{
	struct writer w = writer_over(out, cap - 1);

	if (!xml_unescape(&w, bytes_trim(text)))
		return false;
	out[w.n] = '\0';
	return strlen(out) == w.n;
}

static int feature_event_read(struct feature_event_values *v, struct bytes body)
{
	struct xml_tag tag;
	struct xml x;
	int more;

	xml_open(&x, body);
	while ((more = xml_next(&x, &tag)) == 1) {
		size_t cap;
		char *place = tag.ends && !tag.begins && x.depth == 1
				      ? feature_event_place(v, tag.name, &cap)
				      : NULL;

		if (x.depth == 1 && tag.begins && !v->root[0] &&
		    !feature_event_text(tag.name, v->root, sizeof(v->root)))
			return -EBADMSG;
		if (place && !feature_event_text(tag.before, place, cap))
			return -EBADMSG;
	}
	return more;
}

/* "1002", "sip:1002@example.org", "tel:1002": the number. */
static int feature_event_number(struct feature_event *out, const char *target)
{
	struct bytes in = bytes_str(target);
	size_t colon = bytes_find(in, ':');

	in = colon < in.n ? bytes_from(in, colon + 1) : in;
	in = bytes_sub(in, 0, bytes_find(in, '@'));
	in = bytes_sub(in, 0, bytes_find(in, ';'));
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] <= ' ' || in.p[i] >= 0x7f || in.p[i] == ',')
			return -EINVAL;
	}
	return bytes_cstr(in, out->number, sizeof(out->number)) ? -EINVAL : 0;
}

static bool feature_event_is(const char *value, bool *on)
{
	*on = !strcmp(value, "true") || !strcmp(value, "1");
	return *on || !strcmp(value, "false") || !strcmp(value, "0");
}

static int feature_event_forward(struct feature_event *out, const struct feature_event_values *v)
{
	unsigned part = FEATURE_EVENT_ALWAYS;
	uint32_t rings;
	bool on;

	while (part < FEATURE_EVENT_PARTS && strcmp(v->type, g_kinds[part].type) != 0)
		part++;
	if (part == FEATURE_EVENT_PARTS || !feature_event_is(v->active, &on))
		return 0;
	if (on && feature_event_number(out, v->target))
		return -EINVAL;
	if (part == FEATURE_EVENT_NO_ANSWER && !bytes_u32(bytes_str(v->rings), &rings))
		out->rings = (uint8_t)(rings < FORWARD_RINGS_MAX ? rings : FORWARD_RINGS_MAX);
	if (!on)
		out->feature = g_kinds[part].off;
	else if (out->number[0]) /* else the one that counts now goes on */
		out->feature = g_kinds[part].on;
	return 0;
}

int feature_event_parse(struct feature_event *out, struct bytes body)
{
	struct feature_event_values v = { 0 };
	bool on;

	*out = (struct feature_event){ .feature = FEATURES };
	if (body.n > FEATURE_EVENT_MAX || feature_event_read(&v, body))
		return -EBADMSG;
	if (!strcmp(v.root, "SetForwarding"))
		return feature_event_forward(out, &v);
	if (!strcmp(v.root, "SetDoNotDisturb") && feature_event_is(v.disturb, &on))
		out->feature =
			on ? g_kinds[FEATURE_EVENT_DISTURB].on : g_kinds[FEATURE_EVENT_DISTURB].off;
	return 0;
}
