/* SPDX-License-Identifier: Apache-2.0 */
/* The row of paging groups in the list of features, with the fields of their documents and their
 * commands. */

#include <stdio.h>

#include "app/command/command_flow.h"
#include "app/command/table/table.h"
#include "app/feature/page/page.h"
#include "app/feature/page/page_cast.h"
#include "sig/call/prompts.h"

static const char *const g_page_priorities[] = { "normal", "priority", "emergency", NULL };

/* ---- members ---- */

static const char *page_members_wrong(const void *value, const char *text)
{
	struct bytes left = bytes_str(text), one;
	unsigned count = 0;

	(void)value;
	while (bytes_cut(&left, ',', &one)) {
		one = bytes_trim(one);
		if (++count > PAGE_MEMBERS_MAX)
			return "a paging group has at most 250 members";
		if (!one.n || one.n >= DIAL_NUMBER_MAX || !command_allows(CHARSET_NUMBER, one))
			return "members are extensions, joined by ','";
	}
	return NULL;
}

static const char *page_address_wrong(const void *value, const char *text)
{
	struct addr a;

	(void)value;
	if (text[0] && (addr_parse(&a, bytes_str(text)) || a.family != ADDR_V4 || !a.port ||
			!addr_is_multicast(&a)))
		return "it is an IPv4 multicast address with a port, such as 239.1.1.1:5001";
	return NULL;
}

static const char *const g_page_types[] = { "live", "recorded", NULL };
static const char *const g_page_codecs[] = { "pcmu", "g722", NULL };

#undef FIELD_OF
#define FIELD_OF struct page_value
const struct command_arg g_page_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the paging group."),
	REFERS_FIELD("members", members, CHARSET_TEXT, page_members_wrong, "extension",
		     "Extensions that hear its pages, at most 250, joined by ','."),
	WORD_FIELD("priority", priority, FIELD_NUMBER, g_page_priorities, "normal",
		   "Members that it rings. normal: those without a call and without "
		   "do_not_disturb; priority: also those with a call; emergency: all."),
	WORD_FIELD(
		"type", type, FIELD_NUMBER, g_page_types, "live",
		"What a call to it does. live: members hear the caller while he speaks; recorded: "
		"he records a message first, up to # or 5 s of silence, and they hear that: no "
		"phone beside him howls."),
	NUMBER_FIELD("channel", channel, 0, PAGE_CHANNELS, "0",
		     "Channel by which Polycom phones of its members hear each other's pages, from "
		     "1 to 25, in their files: 1 is their default, 24 comes before other pages and "
		     "calls, 25 before all. All phones of a network hear it. 0: none."),
	TEXT_FIELD("first_name", first_name, CHARSET_TEXT, NULL,
		   "First name, at most 32 octets, which phones show of the channel."),
	TEXT_FIELD("last_name", last_name, CHARSET_TEXT, NULL, "Last name, likewise."),
	TEXT_FIELD("department", department, CHARSET_TEXT, NULL, "Its department."),
	TEXT_FIELD("description", description, CHARSET_TEXT, NULL, "What it is for."),
	REFERS_FIELD(
		"listeners", listeners, CHARSET_TEXT, page_members_wrong, "extension",
		"Extensions with Polycom phones that have the channel in their files, too, and are "
		"not rung, at most 250, joined by ','."),
	TEXT_FIELD("multicast", multicast, CHARSET_TEXT, page_address_wrong,
		   "IPv4 multicast address and port where Polycom phones page by the channel, "
		   "as 224.0.1.116:5001: a page of the group sounds there, and members hear a page "
		   "that a phone sends there. multicast_addresses of tenant.put has it, and one "
		   "tenant alone. \"\": none."),
	TEXT_FIELD("multicast_rtp", multicast_rtp, CHARSET_TEXT, page_address_wrong,
		   "Likewise, by RTP, for other makes; no other group has it."),
	NUMBER_FIELD(
		"multicast_ttl", multicast_ttl, 0, 255, "0",
		"How many networks such packets cross, at most. 0: as 1, that of the node alone."),
	WORD_FIELD("multicast_codec", multicast_codec, FIELD_NUMBER, g_page_codecs, "pcmu",
		   "Codec of such packets. What phones send may have either, by RTP also PCMA."),
	TEXT_FIELD("multicast_network", multicast_network, CHARSET_NAME, NULL,
		   "Name of the network in the node file (networks): they leave by its address. "
		   "\"\": the first one."),
	{ .name = NULL },
};
#undef FIELD_OF

/* The text is static: control thread alone. */
static const char *bell_when_wrong(const void *value, const char *text)
{
	static char said[160];
	struct bytes where = { 0 };
	bool due;
	const char *wrong = bell_when_look(bytes_str(text), 0, 0, &due, &where);

	(void)value;
	where = bytes_sub(where, 0, 64);
	(void)snprintf(said, sizeof(said), "'" BYTES_FMT "': %s", BYTES_ARG(where),
		       wrong ? wrong : "");
	return wrong ? said : NULL;
}

#define FIELD_OF struct bell_value
const struct command_arg g_bell_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the bell."),
	REFERS_FIELD("page", page, CHARSET_NAME, NULL, "page", "Paging group that hears it."),
	TEXT_FIELD("when", when, CHARSET_TEXT, bell_when_wrong,
		   "Days and times of the week, by the tenant's zone, joined by ';', as mon-fri "
		   "07:45 08:30; sat 09:00."),
	REFERS_FIELD("hours", hours, CHARSET_NAME, NULL, "hours",
		     "Calendar: the bell rings only while that is open. Empty: also on holidays."),
	TEXT_FIELD("file", file, CHARSET_TEXT, NULL,
		   "Files that are played, as of call.play, at most 4, with commas between them."),
	NUMBER_FIELD("times", times, 1, PROMPT_TIMES_MAX, "1", "How often all of them are played."),
	FLAG_FIELD("enabled", enabled, "true", "false: it does not ring."),
	{ .name = NULL },
};

static void bell_start(void *value, struct bytes name)
{
	struct bell_value *v = value;

	v->times = 1;
	v->enabled = true;
	(void)bytes_cstr(name, v->name, sizeof(v->name));
}

const struct form g_bell_form = { .fields = g_bell_fields,
				  .begin = bell_start,
				  FORM_OF(struct bell_value) };
static const struct command_arg g_bell_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the bell."),
	END,
};
#undef FIELD_OF

const struct form g_page_form = { .fields = g_page_fields, FORM_OF(struct page_value) };

#define FIELD_OF struct page_choice_value
const struct command_arg g_page_choice_fields[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .required = true,
	  .min = 1,
	  .max = DIAL_NUMBER_MAX - 1,
	  .help = "The extension.",
	  .field = { FIELD_AT(FIELD_TEXT, number), .refers = "extension", .goes_with = true } },
	TEXT_FIELD("off", off, CHARSET_TEXT, NULL,
		   "Paging groups that it does not hear, although it is a member or listens: names "
		   "joined by ','. It may page them, and hears them in an emergency."),
	TEXT_FIELD("default_group", default_group, CHARSET_NAME, NULL,
		   "Paging group that stands first in its lists, and is the default channel of its "
		   "phones. Empty: that of channel 1."),
	FLAG_FIELD("in_calls", in_calls, "false",
		   "Whether it hears normal pages while it has a call, too."),
	{ .name = NULL },
};

static void page_choice_start(void *value, struct bytes number)
{
	(void)bytes_cstr(number, ((struct page_choice_value *)value)->number, DIAL_NUMBER_MAX);
}

const struct form g_page_choice_form = { .fields = g_page_choice_fields,
					 .begin = page_choice_start,
					 FORM_OF(struct page_choice_value) };
static const struct command_arg g_page_choice_args[] = {
	KEY_FIELD("number", number, CHARSET_NUMBER, "The extension."),
	END,
};
#undef FIELD_OF

#define FIELD_OF struct page_value
static const struct command_arg g_page_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the paging group."),
	END,
};
#undef FIELD_OF
static const struct command_arg g_page_ring_args[] = {
	ID_ARG("conference", "Id of the page, a conference: 13 characters."),
	END,
};

static const struct command_arg g_page_play_args[] = {
	TEXT_ARG("name", CHARSET_NAME, 1, PAGE_NAME_MAX - 1, NULL, "Name of the paging group.",
		 .required = true),
	FILE_ARG(true, "Files as of call.play, at most 4, with commas between them."),
	U64_ARG("times", 1, PROMPT_TIMES_MAX, "1", "How often all of them are played."),
	END,
};

static const struct command g_page_commands[] = {
	{ "page.put", COMMAND_FOR_ADMIN, g_page_fields,
	  "Makes a paging group, or changes the given fields. Who calls it speaks to its members, "
	  "and their phones answer by themselves. A number leads to it by number.put with "
	  "to=page:NAME.",
	  "the paging group; warnings, of extensions that are not there yet",
	  BY(command_flow_kind_put), .documents = BY(&g_page_documents) },
	{ "page.get", COMMAND_FOR_READER, g_page_args, "Shows a paging group.",
	  "multicast_state (off; on; or why this node has none for it), changed_utc_ms",
	  BY(document_show), .documents = BY(&g_page_documents), .shows = g_page_fields },
	{ "page.delete", COMMAND_FOR_ADMIN, g_page_args,
	  "Deletes a paging group. A page that is heard goes on.", "name", BY(document_delete),
	  .documents = BY(&g_page_documents) },
	{ "page.list", COMMAND_FOR_READER, g_no_args,
	  "Lists paging groups by name, that of channel 1 first.", "a list of paging groups",
	  BY(page_list), .documents = BY(&g_page_documents),
	  .columns = "name,priority,channel,members" },
	{ "page.ring", COMMAND_FOR_APPLICATION, g_page_ring_args,
	  "Rings the members of a paging group that do not hear its page yet, as its beginning "
	  "does.",
	  "rung: how many", BY(page_ring), .by_flow = true },
	{ "page.play", COMMAND_FOR_APPLICATION, g_page_play_args,
	  "Plays sounds to a paging group, once its members' phones are rung and the first one has "
	  "answered. The page is over behind them. After a kill of the node they go on where they "
	  "would be by then. Refused while the group hears another page, and where no phone rings.",
	  "conference: id of the page; rung: how many phones", BY(page_play), .by_flow = true },
	{ "page.choice.put", COMMAND_FOR_ADMIN, g_page_choice_fields,
	  "Chooses among the paging groups of an extension, for its user: those that it hears, its "
	  "default, and whether pages come into its calls.",
	  "what is chosen; warnings, of groups that it is no member of", BY(document_put),
	  .documents = BY(&g_page_choice_documents), .own = "number" },
	{ "page.choice.get", COMMAND_FOR_READER, g_page_choice_args,
	  "Shows what is chosen about the paging groups of an extension, and the groups.",
	  "groups: a list, the default first, of name, label, description, channel, number (that "
	  "pages it; empty: none does), heard, always (an emergency, which it hears whatever is "
	  "chosen) and default",
	  BY(page_choice_get), .documents = BY(&g_page_choice_documents),
	  .shows = g_page_choice_fields, .own = "number" },
	{ "page.choice.delete", COMMAND_FOR_ADMIN, g_page_choice_args,
	  "Forgets what is chosen: the extension hears all of its paging groups.", "number",
	  BY(document_delete), .documents = BY(&g_page_choice_documents) },
	{ "page.choice.list", COMMAND_FOR_READER, g_no_args,
	  "Lists what is chosen about paging groups, by extension.", "a list of choices",
	  BY(command_document_list), .documents = BY(&g_page_choice_documents),
	  .columns = "number,off,default_group,in_calls" },
	{ "bell.put", COMMAND_FOR_ADMIN, g_bell_fields,
	  "Makes a bell, or changes the given fields: a paging group hears sounds at times of the "
	  "week, as by page.play. One of the nodes plays them.",
	  "the bell; warnings, of a paging group and hours that are not there", BY(document_put),
	  .documents = BY(&g_bell_documents) },
	{ "bell.get", COMMAND_FOR_READER, g_bell_args, "Shows a bell.", "changed_utc_ms",
	  BY(document_show), .documents = BY(&g_bell_documents), .shows = g_bell_fields },
	{ "bell.delete", COMMAND_FOR_ADMIN, g_bell_args, "Deletes a bell.", "name",
	  BY(document_delete), .documents = BY(&g_bell_documents) },
	{ "bell.list", COMMAND_FOR_READER, g_no_args, "Lists bells by name.", "a list of bells",
	  BY(command_document_list), .documents = BY(&g_bell_documents),
	  .columns = "name,page,when,hours,enabled" },
	{ .name = NULL },
};

const struct app_feature g_page_feature = {
	.name = "page",
	.commands = g_page_commands,
	.documents = KINDS(&g_page_documents, &g_bell_documents, &g_page_choice_documents),
	.metrics = BY(g_page_cast_metrics),
	.setup = BY(page_multicast_setup),
	.carriers = CARRIERS({ page_on_event, EFFECT_EVENT }),
	.second = BY(page_second),
	.close = BY(page_multicast_close),
};
