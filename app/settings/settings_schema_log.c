/* SPDX-License-Identifier: Apache-2.0 */
/* What the node tells of itself and of calls. */
#include "app/settings/settings_schema.h"

/* In the order of enum log_format. */
static const char *const g_format_names[] = { "text", "json", NULL };

const struct conf_field g_log_fields[] = {
	{ .key = "level",
	  WORD(settings_log, level, g_log_levels),
	  .preset = "info",
	  .help = "Least level that is written." },
	{ .key = "format",
	  WORD(settings_log, format, g_format_names),
	  .preset = "text",
	  .help = "text: key=value; json: one object a line." },
	{ .key = NULL },
};

const struct conf_field g_trace_fields[] = {
	{ .key = "decrypted",
	  FLAG(settings_trace, decrypted),
	  .preset = "false",
	  .help = "Whether a trace may show what is encrypted on the wire: media of SRTP in clear, "
		  "and its keys. Whoever may command the node can then listen to calls." },
	{ .key = "quota_mib",
	  U32(settings_trace, quota_mib, 1, 1048576),
	  .preset = "256",
	  .help = "Most MiB of all traces, with what those under way may come to." },
	{ .key = "files",
	  U32(settings_trace, files, 1, 1000),
	  .preset = "32",
	  .help = "Most traces kept." },
	{ .key = "keep",
	  DURATION(settings_trace, keep, SECONDS(3600), SECONDS(31536000)),
	  .preset = "86400s",
	  .help = "Older ones are deleted." },
	{ .key = "recent_kib",
	  U32(settings_trace, recent_kib, 0, 1048576),
	  .preset = "4096",
	  .help = "KiB of memory for the newest SIP messages, which sip.recent shows and traces "
		  "begin "
		  "with; a message takes about one. 0: none are kept." },
	{ .key = NULL },
};

const struct conf_field g_hep_fields[] = {
	{ .key = "collector",
	  ADDRESS(settings_hep, collector),
	  .help = "Address and UDP port, such as 192.0.2.7:9060. Without it nothing is "
		  "exported. What goes there is not encrypted: keep the way private." },
	{ .key = "capture_id",
	  U32(settings_hep, capture_id, 1, 4294967295),
	  .preset = "2001",
	  .help = "Number of this node among those that export." },
	{ .key = "password",
	  TEXT(settings_hep, password),
	  .help = "Goes along in clear with each copy, for collectors that want one." },
	{ .key = NULL },
};
