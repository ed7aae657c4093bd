/* SPDX-License-Identifier: Apache-2.0 */
/* What a party hears that has no other party beside it, or is played something in its place: and whether it does. */
#include "app/command/diagnosis_rule.h"

enum { LOOK_MS = 500 }; /* less is too short to say that nothing was sent */

/* Nothing left for the party between the samples. */
static bool is_sent_nothing(const struct suspect *s)
{
	return s->window_ms >= LOOK_MS &&
	       s->f->now.stats.packets_out == s->f->before.stats.packets_out;
}

static void add_place(const struct suspect *s, struct finding *out)
{
	const struct party_place *p = &s->f->place;

	add_number(out, "packets_out", s->f->now.stats.packets_out);
	add_number(out, "window_ms", s->window_ms);
	add_text(out, "application", p->application);
}

static enum answer_of_rule alone_found(const struct suspect *s, struct finding *out)
{
	const char *application = s->f->place.application;

	if (!application[0] && !is_sent_nothing(s))
		found(out, FINDING_ALONE, s,
		      "Tandem has answered the party of leg %c; there is no other party. It hears "
		      "hold music.",
		      s->who);
	else if (!application[0])
		found(out, FINDING_ALONE_SILENT, s,
		      "Tandem has answered the party of leg %c; there is no other party, and it is "
		      "sent nothing.",
		      s->who);
	else if (is_sent_nothing(s))
		found(out, FINDING_APPLICATION_SILENT, s,
		      "The party of leg %c is with the application %s, which plays nothing: it "
		      "hears silence.",
		      s->who, application);
	else
		found(out, FINDING_ALONE, s,
		      "The party of leg %c is with the application %s, which has just played "
		      "something.",
		      s->who, application);
	add_place(s, out);
	return RULE_FOUND;
}

static void prompt_found(const struct suspect *s, struct finding *out)
{
	const struct party_place *p = &s->f->place;

	if (is_sent_nothing(s))
		found(out, FINDING_PROMPT_SILENT, s,
		      "Tandem is to play %s to the party of leg %c, and nothing is sent to it.",
		      p->name, s->who);
	else
		found(out, FINDING_PROMPT, s,
		      "Tandem plays %s to the party of leg %c, file %u of %u%s.", p->name, s->who,
		      p->file, p->file_count, p->collects ? ", and awaits DTMF digits" : "");
}

static enum answer_of_rule played_found(const struct suspect *s, struct finding *out)
{
	const struct party_place *p = &s->f->place;

	if (p->paused)
		found(out, FINDING_PROMPT_PAUSED, s,
		      "The playing of %s to the party of leg %c is paused: it hears silence.",
		      p->name, s->who);
	else if (p->file)
		prompt_found(s, out);
	else if (p->records)
		found(out, FINDING_MESSAGE_RECORDED, s,
		      "A message of the party of leg %c is recorded: it hears silence.", s->who);
	else if (p->collects)
		found(out, FINDING_DIGITS_AWAITED, s,
		      "DTMF digits of the party of leg %c are awaited: it hears silence.", s->who);
	else
		found(out, FINDING_PROMPT, s, "Tandem plays a tone to the party of leg %c.",
		      s->who);
	add_text(out, "file", p->name);
	add_number(out, "file_number", p->file);
	add_number(out, "files", p->file_count);
	add_place(s, out);
	return RULE_FOUND;
}

static enum answer_of_rule streamed_found(const struct suspect *s, struct finding *out)
{
	found(out, FINDING_STREAMED, s, "The party of leg %c is with the live endpoint %s%s.",
	      s->who, s->f->place.name,
	      is_sent_nothing(s) ? ", which says nothing now" : ", and hears it");
	add_text(out, "endpoint", s->f->place.name);
	add_place(s, out);
	return RULE_FOUND;
}

static enum answer_of_rule parked_found(const struct suspect *s, struct finding *out)
{
	if (is_sent_nothing(s))
		found(out, FINDING_PARKED_SILENT, s,
		      "The party of leg %c is parked in slot %s, and hears silence: there is no "
		      "hold music for it.",
		      s->who, s->f->place.name);
	else
		found(out, FINDING_PARKED, s,
		      "The party of leg %c is parked in slot %s, and hears hold music.", s->who,
		      s->f->place.name);
	add_text(out, "slot", s->f->place.name);
	add_place(s, out);
	return RULE_FOUND;
}

static enum finding_code conference_code(const struct suspect *s)
{
	const struct party_place *p = &s->f->place;

	if (p->waits_host)
		return FINDING_CONFERENCE_HOST;
	if (p->held)
		return FINDING_CONFERENCE_HELD;
	if (p->deaf)
		return FINDING_CONFERENCE_DEAF;
	if (p->muted)
		return FINDING_CONFERENCE_MUTED;
	if (p->others == 0)
		return FINDING_CONFERENCE_ALONE;
	return !p->sounds && is_sent_nothing(s) ? FINDING_CONFERENCE_SILENT : FINDING_CONFERENCE;
}

static const char *conference_words(enum finding_code code)
{
	switch ((int)code) {
	case FINDING_CONFERENCE_HOST:
		return "waits for the host of its conference: it hears music, and nobody hears it";
	case FINDING_CONFERENCE_HELD:
		return "is on hold in its conference: it hears music, and nobody hears it";
	case FINDING_CONFERENCE_DEAF:
		return "is deaf in its conference: it hears nobody";
	case FINDING_CONFERENCE_MUTED:
		return "is muted in its conference: nobody hears it";
	case FINDING_CONFERENCE_ALONE:
		return "is alone in its conference";
	case FINDING_CONFERENCE_SILENT:
		return "is in a conference, and is sent nothing of it";
	default:
		return "is in a conference";
	}
}

static enum answer_of_rule conference_found(const struct suspect *s, struct finding *out)
{
	const struct party_place *p = &s->f->place;
	enum finding_code code = conference_code(s);

	found(out, code, s, "The party of leg %c %s.", s->who, conference_words(code));
	add_text(out, "number", p->name);
	add_number(out, "others", p->others);
	add_number(out, "muted", p->muted);
	add_number(out, "deaf", p->deaf);
	add_number(out, "held", p->held);
	add_place(s, out);
	return RULE_FOUND;
}

/* Of a call that is over only what was wrong all the time is known. */
static bool finding_is_past(const struct suspect *s, const struct finding *out)
{
	return s->d->ended && finding_what(out->code)[0] != 'f';
}

static enum answer_of_rule place_found(const struct suspect *s, struct finding *out)
{
	switch (s->f->place.kind) {
	case PARTY_TALKS:
	case PARTY_WAITS:
		return RULE_SILENT;
	case PARTY_ALONE:
		return alone_found(s, out);
	case PARTY_PLAYED:
		return played_found(s, out);
	case PARTY_STREAMED:
		return streamed_found(s, out);
	case PARTY_ECHOED:
		found(out, FINDING_ECHO, s, "The party of leg %c hears itself: an echo test.",
		      s->who);
		break;
	case PARTY_PARKED:
		return parked_found(s, out);
	case PARTY_CONFERS:
		return conference_found(s, out);
	case PARTY_PARTS:
		found(out, FINDING_PARTING, s,
		      "Nobody takes the call of leg %c: its party hears a tone until it hangs up.",
		      s->who);
		break;
	}
	add_place(s, out);
	return RULE_FOUND;
}

enum answer_of_rule rule_place(const struct suspect *s, struct finding *out)
{
	if (s->f->kind != MEDIA_AUDIO || place_found(s, out) != RULE_FOUND ||
	    finding_is_past(s, out))
		return RULE_SILENT;
	return RULE_FOUND;
}
