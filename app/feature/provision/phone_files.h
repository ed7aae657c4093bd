/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of one phone, rendered from the templates of deploy/phones. All follow from struct
 * phone_facts alone, so two nodes make the same of the same. The revision is a hash of them: the
 * first file that a phone fetches names the others with it, so one boot never mixes two. Pure.
 */
#ifndef APP_FEATURE_PROVISION_PHONE_FILES_H
#define APP_FEATURE_PROVISION_PHONE_FILES_H

#include <stdint.h>

#include "base/bytes.h"

enum {
	PHONE_LINES_MAX = 6,
	PHONE_CHANNELS = 25,
	PHONE_PEOPLE_MAX = 99, /* entries of a directory, as small phones have room for */
	PHONE_OVERRIDES_MAX = 64,
	PHONE_FILES_MAX = 8,
	PHONE_FILE_NAME_MAX = 96,
	PHONE_REVISION_LEN = 16,
	PHONE_MAC_LEN = 12, /* 0004f214ab37 */
	PHONE_FILES_SIZE_MAX = 131072,
};

/* A template as it is embedded; "FAMILY/FILE". */
struct phone_template {
	const char *name, *text;
};
extern const struct phone_template g_phone_templates[]; /* the last one has no name */

/* Texts are the caller's; NULL is empty. */
struct phone_line {
	const char *number, *display_name, *auth_user, *password;
	/* what the revision has in place of the password, so that it is known without; NULL: that
	 * itself */
	const char *mark;
};
struct phone_person {
	const char *last_name, *first_name, *number;
};
struct phone_override {
	const char *key, *value; /* a name of an attribute (template_is_key) */
};

/* Of paging by multicast. */
struct phone_channel {
	const char *label; /* "": nobody has it */
	bool heard;
	bool subscribed; /* ... and wanted */
};

/* A change of a clock: on that weekday of the month, at that hour of the day before it. */
struct phone_change {
	uint8_t month, date; /* date: 1, 8, 15 or 22: the first one from that day on */
	uint8_t weekday;     /* 1 is Sunday */
	uint8_t hour;
	bool last; /* the last one of the month, whatever date says */
};
struct phone_clock {
	int32_t offset_s; /* to UTC, without daylight saving time */
	bool saves;       /* it has daylight saving time; else start and stop count for nothing */
	struct phone_change start, stop;
};
typedef int32_t phone_offset_fn(const void *arg, int64_t utc_s);
/* Of the year of utc_s. A zone with other than two changes in it has its offset of now, and no
 * daylight saving time. */
void phone_clock_read(struct phone_clock *out, int64_t utc_s, phone_offset_fn *offset,
		      const void *arg);

struct phone_facts {
	const char *family; /* "polycom-8.5", "yealink" */
	const char *mac;    /* normal form */
	const char *server; /* host name or address of its registrar */
	uint16_t port;
	const char *transport; /* "UDPOnly", "TCPOnly", "TLS" */
	uint32_t expires_s;
	bool srtp, video, directory_key, clock_24;
	bool firmware;          /* it is offered that of the node */
	const char *more_files; /* names that its master has behind the others: ", a, b" */
	/* P7-02: likewise for SoundPoint IP 300 and 500, which have the application 2.1.2 */
	bool firmware_212;
	const char *more_files_212;
	bool bare;       /* it calls, and does not register: nobody is logged in at it */
	bool blf_splash; /* a key that blinks rings, and shows who calls */
	uint8_t columns; /* 1 to 4 */
	uint8_t dscp_sip, dscp_audio, dscp_video;
	const char *menu_password; /* of its menu's administrator; "": as it is in the phone */
	const char *blf_list;      /* that its keys watch: "lamps-201"; "": none */
	struct phone_clock clock;
	const char *time_server; /* SNTP */
	uint32_t video_kbps;     /* at most */
	const char *record_url;  /* of the page that its Record key opens; "": it has no such key */
	const char *browser_url; /* of the first page of its micro-browser; "": it has none */
	bool directory_page;     /* a key opens its directory there */
	bool call_keys;          /* for hold and transfer, so its display need not have them */
	/* host where it registers or calls while its server is out of reach: plain UDP; "": none */
	const char *secondary;
	uint16_t secondary_port;
	bool secondary_registers;
	const char *digit_map;
	struct phone_line lines[PHONE_LINES_MAX]; /* the first one has a number */
	struct phone_channel channels[PHONE_CHANNELS];
	const char *paging_address; /* of all its channels */
	uint16_t paging_port;
	uint8_t paging_default; /* channel; 0: 1 */
	bool paging_in_calls;
	uint32_t override_count, person_count;
	const struct phone_override *overrides;
	const struct phone_person *people;
};

/* It holds passwords: free it by phone_files_free. */
struct phone_files {
	char revision[PHONE_REVISION_LEN + 1];
	uint32_t count;
	struct phone_file {
		char name[PHONE_FILE_NAME_MAX]; /* without its revision */
		const char *type;               /* of its content */
		struct bytes text;
	} list[PHONE_FILES_MAX];
	size_t size; /* of space */
	uint8_t space[];
};

/* Reads all templates, once, before any other thread. 0; -EBADMSG: why says what is wrong;
 * -ENOMEM. */
int phone_files_load(char *why, size_t why_size) NODISCARD;
void phone_files_unload(void);
/* 0; -ENOENT: no such family; -EINVAL: an override is no attribute; -ENOSPC: too long;
 * -ENOMEM. */
int phone_files_render(struct phone_files **out, const struct phone_facts *facts) NODISCARD;
void phone_files_free(struct phone_files *f); /* NULL is fine */
/* NULL if it has no such file. */
const struct phone_file *phone_files_find(const struct phone_files *f, struct bytes name);
/* Whether a file of a family, by its name, is the first one of a boot, which a phone asks for by
 * its MAC; and the last one: the phone has them all. */
bool phone_file_is_first(const char *family, struct bytes name);
bool phone_file_is_last(const char *family, struct bytes name);
/* Where a digit map has "A,1" and ten digits, as plans of North America have, a number of ten
 * digits that is dialled again from a list of calls gets A1 in front ("RRA1R"), and three digits
 * may be sent. Unchanged where it has no such entry, or there is no room. */
void phone_map_redial(char *map, size_t size);
/* Files for unknown phones of any family, without a secret. BARE names a file that each of them
 * asks for, FIRMWARE that and firmware, UPGRADE firmware alone. Constant; empty: not loaded. */
enum phone_default {
	PHONE_DEFAULT_NONE,
	PHONE_DEFAULT_BARE,
	PHONE_DEFAULT_FIRMWARE,
	PHONE_DEFAULT_UPGRADE,
	PHONE_DEFAULTS
};
struct bytes phone_files_default(enum phone_default which);

#endif
