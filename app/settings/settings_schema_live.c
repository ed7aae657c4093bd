/* SPDX-License-Identifier: Apache-2.0 */
/* Live sound, conferences and what callers key in. */
#include "app/settings/settings_schema.h"

/* In the order of enum live_format. */
static const char *const g_live_formats[] = { "l16", "ulaw", NULL };

static const struct conf_field g_live_endpoint_fields[] = {
	{ .key = "name",
	  TEXT(settings_live_endpoint, name),
	  .required = true,
	  .help = "What call.stream calls it." },
	{ .key = "url",
	  TEXT(settings_live_endpoint, url),
	  .required = true,
	  .help = "Where the application listens: wss://host[:port]/path. Its certificate must be "
		  "for that host, and good. ws:// only with live.plain." },
	{ .key = "token_file",
	  TEXT(settings_live_endpoint, token_file),
	  .help = "File whose first line is shown to the application, as Authorization: Bearer. "
		  "SIGHUP reads it again." },
	{ .key = "tenants",
	  TEXTS(settings_live_endpoint, tenants, tenant_count),
	  .help = "Tenants whose calls may go there. Without it: all." },
	{ .key = "format",
	  WORD(settings_live_endpoint, format, g_live_formats),
	  .preset = "l16",
	  .help = "Of the sound, both ways: 16 bits, the low octet first, or G.711 mu-law." },
	{ .key = "rate",
	  U32(settings_live_endpoint, rate, 8000, 24000),
	  .preset = "16000",
	  .help = "Samples a second of l16: 8000, 16000 or 24000. ulaw has 8000." },
	{ .key = NULL },
};

const struct conf_field g_live_fields[] = {
	{ .key = "endpoints",
	  MAPS(settings_live, endpoints, endpoint_count, g_live_endpoint_fields),
	  .help = "Applications that the sound of a party may go to, and come from, by "
		  "call.stream. There are no others. A stream that runs keeps what it began "
		  "with." },
	{ .key = "streams",
	  U32(settings_live, streams, 1, 10000),
	  .preset = "500",
	  .at_start = true,
	  .help = "At once, at most: each has a connection of its own, and 200 KiB at most "
		  "beside what its application says ahead (live audio, 30 s: up to 1.4 MiB)." },
	{ .key = "plain",
	  FLAG(settings_live, plain),
	  .preset = "false",
	  .help = "URLs may begin with ws://. Then whoever is on the way hears and speaks: for "
		  "this machine and private networks alone." },
	{ .key = "ca",
	  TEXT(settings_live, ca),
	  .at_start = true,
	  .help = "PEM file of those whose certificates are believed, beside the system's." },
	{ .key = "connect_timeout",
	  DURATION(settings_live, connect, SECONDS(1), SECONDS(60)),
	  .preset = "5s",
	  .help = "So long the first connection may take, with all tries. Then the stream has "
		  "failed." },
	{ .key = "give_up",
	  DURATION(settings_live, give_up, 0, SECONDS(3600)),
	  .preset = "30s",
	  .help = "So long a connection that was lost is tried again. Then the stream has "
		  "failed." },
	{ .key = NULL },
};

/* In the order of enum conference_release. */
static const char *const g_conferences_release[] = { "false", "true", "initiator_left", NULL };
static const char *const g_conferences_incoming[] = { "always", "call_waiting", NULL };

const struct conf_field g_conferences_fields[] = {
	{ .key = "ad_hoc_members",
	  .was = "station_members",
	  U32(settings_conferences, station_members, 3, 2000),
	  .preset = "8",
	  .help = "Members of a conference that began as a call, at most (conference.add). Those "
		  "of "
		  "a room are in its document." },
	{ .key = "ad_hoc_talkers",
	  .was = "station_talkers",
	  U32(settings_conferences, station_talkers, 0, 8),
	  .preset = "3",
	  .help = "How many members of such a conference are heard at a time: the loudest of "
		  "those who speak. 0: all who are not silent. Of conferences that begin from then "
		  "on; those of a room are in its document." },
	{ .key = "command_members",
	  U32(settings_conferences, command_members, 0, 2000),
	  .preset = "0",
	  .help = "The same where a command adds the next one, as programs of users do; phones add "
		  "up to ad_hoc_members. 0: likewise. Systems that had both gave programs 6 and "
		  "phones 8." },
	{ .key = "incoming",
	  WORD(settings_conferences, incoming, g_conferences_incoming),
	  .preset = "always",
	  .help = "Whether who has two calls may bring the second one into a conference when that "
		  "call came to him. call_waiting: where his extension has call_waiting single or "
		  "multiple; else his REFER is answered 403, and conference.add not_allowed. That "
		  "is how some systems were." },
	{ .key = "host_succession",
	  FLAG(settings_conferences, host_succession),
	  .preset = "true",
	  .help = "When the host of such a conference leaves, the member that is there for longest "
		  "is host. false: nobody is, and members are dropped by command alone." },
	{ .key = "release",
	  WORD(settings_conferences, release, g_conferences_release),
	  .preset = "true",
	  .help = "With two members left such a conference is a call of two again, which is "
		  "transferred and parked as any. false: it stays one until one of them leaves. "
		  "initiator_left: it stays one as long as whose conference it is is one of the "
		  "two, and call.transfer gives neither away; he adds whom the other one wants, "
		  "and leaves. That is how some phones did it." },
	{ .key = "tones_most",
	  U32(settings_conferences, tones_most, 0, 2000),
	  .preset = "30",
	  .help = "With more members in a room nobody hears who comes and goes (entry_tone, "
		  "exit_tone of room.put). 0: nobody ever does. Of rooms that begin from then "
		  "on." },
	{ .key = NULL },
};

const struct conf_field g_ivr_fields[] = {
	{ .key = "max_digits",
	  U32(settings_ivr, max_digits, 1, 16),
	  .preset = "16",
	  .help = "Keys that one call.collect takes, at most: max of the command, and what it is "
		  "where the command has none." },
	{ .key = NULL },
};
