/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event packages (RFC 6665 5): what each tells of a user. A package is a row of a table. It knows no subscription and no transaction: the
 * state of the user goes in, a body comes out.
 */
#ifndef SIG_SUBSCRIPTION_PACKAGE_H
#define SIG_SUBSCRIPTION_PACKAGE_H

#include "sig/location/registrar.h"
#include "sig/subscription/conference_view.h"
#include "sig/subscription/dialog_state.h"

enum package_kind {
	PACKAGE_DIALOG,     /* RFC 4235 */
	PACKAGE_PRESENCE,   /* RFC 3856 */
	PACKAGE_REG,        /* RFC 3680 */
	PACKAGE_CONFERENCE, /* RFC 4575 */
	PACKAGES,
};

/* What its watcher was told of a dialog last. */
struct package_told {
	uint64_t id;
	uint8_t phase;
	bool recipient, held;
};

struct package_state {
	uint32_t version;
	bool whole;  /* all of it; else what was not told yet */
	bool hidden; /* nobody is named but the user itself */
	struct sip_uri entity;
	const struct dialog_state *dialogs; /* none is over */
	uint32_t dialog_count;
	const struct package_told *told;
	uint32_t told_count;
	const struct aor *entry;                  /* where its phones are; NULL: nowhere */
	uint64_t utc_ms;                          /* that its times are of */
	const struct conference_view *conference; /* NULL: there is none */
	struct conference_told *conference_told;  /* read and written */
	size_t most;                              /* octets of the body */
};

struct package {
	const char *name, *type;                    /* of Event, and of the body */
	bool own;                                   /* told to the user itself alone */
	bool of_dialogs, of_phones, of_conferences; /* what it changes with */
	bool tells_end; /* whoever is told that there is no such resource any more is told so in a body, too */
	uint32_t
		pace_ms; /* so long nothing is told behind a NOTIFY, but what did not fit into that; 0: it is told at once */
	void (*write)(struct writer *w, const struct package_state *state);
};

const struct package *package_of(enum package_kind kind);
/* PACKAGES: there is none of that name. */
enum package_kind package_find(struct bytes name);
/* "Allow-Events: dialog, ..." */
void package_write_allowed(struct writer *w);

/* ---- the bodies ---- */
void dialog_info_write(struct writer *w, const struct package_state *state);
void presence_write(struct writer *w, const struct package_state *state);
void reg_info_write(struct writer *w, const struct package_state *state);
void conference_info_write(struct writer *w, const struct package_state *state);
/* "sip:1001@example.org": without parameters, escaped for XML. */
void package_write_uri(struct writer *w, const struct sip_uri *uri);

#endif
