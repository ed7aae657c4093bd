/* SPDX-License-Identifier: Apache-2.0 */
/* Presence documents (RFC 3863 with RPID, RFC 4480): writes the view of a user for NOTIFYs, and
 * reads what phones publish. States and RPID activities are mapped by one table in both directions.
 * A published document is untrusted: text is cut to one line of valid UTF-8, and unknown elements
 * are ignored. Pure. */

#include <errno.h>
#include <time.h>

#include "base/json.h"
#include "sig/identity/presence.h"
#include "sig/sip/body.h"
#include "sig/sip/xml.h"

/* States and their RPID activities (RFC 4480 3.2), in both directions. For states without an
 * activity, other distinguishes those that share one. */
static const struct {
	const char *activity, *state;
	bool other;
} g_activities[] = {
	{ "busy", "busy", false },
	{ "busy", "do_not_disturb", true },
	{ "meeting", PRESENCE_MEETING, false },
	{ "away", "away", false },
	{ "away", "out_of_office", true },
	{ "away", "off_work", true },
	{ "on-the-phone", "on_the_phone", false },
	{ "on-the-phone", "in_a_conference", true },
	/* of phones alone */
	{ "on-the-phone", "busy", false },
	{ "appointment", PRESENCE_MEETING, false },
	{ "presentation", PRESENCE_MEETING, false },
	{ "performance", "busy", false },
	{ "playing", "busy", false },
	{ "spectator", "busy", false },
	{ "tv", "busy", false },
	{ "worship", "busy", false },
	{ "breakfast", "away", false },
	{ "dinner", "away", false },
	{ "in-transit", "away", false },
	{ "meal", "away", false },
	{ "shopping", "away", false },
	{ "sleeping", "away", false },
	{ "steering", "away", false },
	{ "holiday", "out_of_office", false },
	{ "travel", "out_of_office", false },
	{ "vacation", "out_of_office", false },
	{ "permanent-absence", "off_work", false },
};

/* ---- written ---- */

static void pidf_until(struct writer *w, uint64_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	char text[32];
	struct tm tm;

	if (utc_ms && gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		WRITER_TEXTS(w, " until=\"", text, "\"");
}

static void pidf_note(struct writer *w, const char *open, const char *note, const char *close)
{
	if (!note[0])
		return;
	writer_str(w, open);
	xml_write(w, bytes_str(note));
	writer_str(w, close);
}

static void pidf_activities(struct writer *w, const char *state)
{
	bool known = false, other = true;

	for (size_t i = 0; i < COUNT_OF(g_activities) && !known; i++) {
		known = !strcmp(state, g_activities[i].state);
		if (!known)
			continue;
		other = g_activities[i].other;
		WRITER_TEXTS(w, "<rpid:", g_activities[i].activity, "/>");
	}
	if (other)
		WRITER_TEXTS(w, "<rpid:other>", state, "</rpid:other>");
}

void presence_write_pidf(struct writer *w, const struct presence_view *v)
{
	bool does = strcmp(v->state, PRESENCE_USUAL) != 0 && strcmp(v->state, "offline") != 0;

	WRITER_TEXTS(w, "<tuple id=\"t\"><status><basic>", v->open ? "open" : "closed",
		     "</basic></status>");
	pidf_note(w, "<note>", v->note, "</note>");
	writer_str(w, "</tuple>\r\n");
	if (does || v->note[0])
		writer_str(w, "<dm:person id=\"p\">");
	if (does) {
		writer_str(w, "<rpid:activities");
		pidf_until(w, v->until_utc_ms);
		writer_str(w, ">");
		pidf_activities(w, v->state);
		writer_str(w, "</rpid:activities>");
	}
	pidf_note(w, "<dm:note>", v->note, "</dm:note>");
	if (does || v->note[0])
		writer_str(w, "</dm:person>\r\n");
	writer_str(w, "</presence>\r\n");
}

/* ---- read ---- */

struct pidf {
	bool open, closed, rooted, in_activities;
	const char *activity; /* the state of the first one that is known */
	struct bytes other, note;
};

static void pidf_activity(struct pidf *d, struct bytes name)
{
	for (size_t i = 0; !d->activity && i < COUNT_OF(g_activities); i++) {
		if (bytes_is(name, g_activities[i].activity) && !g_activities[i].other &&
		    strcmp(g_activities[i].state, "on_the_phone") != 0)
			d->activity = g_activities[i].state;
	}
}

static void pidf_text(struct pidf *d, struct bytes name, struct bytes text)
{
	text = bytes_trim(text);
	if (bytes_is(name, "basic")) {
		d->open |= bytes_is(text, "open");
		d->closed |= bytes_is(text, "closed");
	} else if (bytes_is(name, "other") && d->in_activities && !d->other.n) {
		d->other = text;
	} else if (bytes_is(name, "note") && !d->note.n) {
		d->note = text;
	}
}

static int pidf_walk(struct pidf *d, struct bytes text)
{
	struct xml_tag tag;
	struct xml x;
	int more;

	xml_open(&x, text);
	while ((more = xml_next(&x, &tag)) == 1) {
		if (!d->rooted && !bytes_is(tag.name, "presence"))
			return -EBADMSG;
		d->rooted = true;
		if (tag.begins && d->in_activities)
			pidf_activity(d, tag.name);
		if (!tag.begins)
			pidf_text(d, tag.name, tag.before);
		if (bytes_is(tag.name, "activities"))
			d->in_activities = !tag.ends;
	}
	return more || !d->rooted ? -EBADMSG : 0;
}

/* One line of UTF-8, cut where a character ends. */
static void pidf_line(char *out, size_t cap, struct bytes text)
{
	char space[6 * PRESENCE_NOTE_MAX]; /* each character may be &quot; */
	struct writer w = writer_over(space, sizeof(space));
	struct bytes line;

	(void)xml_unescape(&w, bytes_sub(text, 0, sizeof(space)));
	line = bytes_sub(bytes_trim(writer_done(&w)), 0, cap - 1);
	while (line.n && !utf8_is(line))
		line.n--;
	(void)bytes_cstr(line, out, cap);
	for (size_t i = 0; i < line.n; i++) {
		if ((uint8_t)out[i] < ' ' || out[i] == 0x7f)
			out[i] = ' ';
	}
}

int presence_read_pidf(struct presence_word *out, struct bytes pidf)
{
	struct pidf d = { .open = false };
	char other[PRESENCE_MAX + 1];

	if (pidf.n > PRESENCE_BODY_MAX || pidf_walk(&d, pidf))
		return -EBADMSG;
	pidf_line(other, sizeof(other), d.other);
	if (presence_may_say((struct bytes){ 0 }, bytes_str(other)))
		d.activity = other;
	if (!d.activity)
		d.activity = d.closed && !d.open ? "off_work" : PRESENCE_USUAL;
	memset(out->state, 0, sizeof(out->state));
	memset(out->note, 0, sizeof(out->note));
	(void)bytes_cstr(bytes_str(d.activity), out->state, sizeof(out->state));
	pidf_line(out->note, sizeof(out->note), d.note);
	return 0;
}
