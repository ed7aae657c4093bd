/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LDAP (RFC 4511) as desk phones ask for a phone book: StartTLS, bind and search. Requests are
 * parsed by liblber into slices, filters are evaluated over entries that are made of the rows of
 * contact.list and directory.list. Pure, but for ldap_server.c and ldap_search.c.
 */
#ifndef APP_FEATURE_LDAP_LDAP_H
#define APP_FEATURE_LDAP_LDAP_H

#include <jansson.h>

#include "app/archive/contact/contact.h"
#include "base/bytes.h"

enum {
	LDAP_MESSAGE_MAX = 8192, /* octets of a request */
	LDAP_NODES_MAX = 64,     /* of a filter, */
	LDAP_DEPTH_MAX = 8,      /* and how deep they may be */
	LDAP_NAMES_MAX = 48,     /* attributes that are asked for */
	LDAP_VALUES_MAX = 48,    /* of an entry */
	LDAP_HINT_MAX = 64,
	LDAP_DN_MAX = 512,
	LDAP_FOLDED_MAX = 512,                   /* octets of a value as it is compared */
	LDAP_FILTER_ROOM = 4 * LDAP_MESSAGE_MAX, /* for those of a filter; */
	LDAP_ENTRY_ROOM = 4096,                  /* for those of an entry */
};

#define LDAP_START_TLS "1.3.6.1.4.1.1466.20037" /* RFC 4511 4.14 */

/* RFC 4511 4.1.9 */
enum ldap_result {
	LDAP_RESULT_SUCCESS = 0,
	LDAP_RESULT_OPERATIONS_ERROR = 1,
	LDAP_RESULT_PROTOCOL_ERROR = 2,
	LDAP_RESULT_SIZE_LIMIT = 4,
	LDAP_RESULT_AUTH_METHOD = 7,
	LDAP_RESULT_ADMIN_LIMIT = 11,
	LDAP_RESULT_CRITICAL_EXTENSION = 12,
	LDAP_RESULT_NO_OBJECT = 32,
	LDAP_RESULT_CREDENTIALS = 49,
	LDAP_RESULT_RIGHTS = 50,
	LDAP_RESULT_BUSY = 51,
	LDAP_RESULT_UNAVAILABLE = 52,
	LDAP_RESULT_UNWILLING = 53,
};

enum ldap_op {
	LDAP_OP_BIND,
	LDAP_OP_UNBIND,
	LDAP_OP_SEARCH,
	LDAP_OP_ABANDON,
	LDAP_OP_EXTENDED,
	LDAP_OP_OTHER
};

enum ldap_scope { LDAP_AT_BASE, LDAP_AT_ONE, LDAP_AT_ALL };

enum ldap_test {
	LDAP_TEST_AND,
	LDAP_TEST_OR,
	LDAP_TEST_NOT,
	LDAP_TEST_EQUAL, /* and approximately so */
	LDAP_TEST_SUBSTRINGS,
	LDAP_TEST_PRESENT,
	LDAP_TEST_UNDEFINED, /* an order, or an extensible match */
	/* below LDAP_TEST_SUBSTRINGS */
	LDAP_TEST_INITIAL,
	LDAP_TEST_ANY,
	LDAP_TEST_FINAL,
};

/* Nodes of a filter stand in the order in which they are written: behind each are those below. */
struct ldap_node {
	enum ldap_test test;
	uint8_t size; /* nodes with those below */
	struct bytes name, value;
	struct bytes normal[CONTACT_NORMAL_FORMS]; /* of a number, once it is folded */
};

/* A request: slices of the message. */
struct ldap_request {
	int32_t id;
	enum ldap_op op;
	uint8_t answer_tag; /* of its result; 0: it has none */
	bool critical;      /* it has a control that must not be ignored */
	struct bytes name;  /* of a bind, or of an extended request */
	/* of a bind */
	int32_t version;
	struct bytes password;
	bool simple;
	/* of a search */
	struct bytes base;
	enum ldap_scope scope;
	uint32_t size_limit; /* 0: none */
	bool types_only;
	struct ldap_node nodes[LDAP_NODES_MAX];
	uint32_t node_count;
	struct bytes names[LDAP_NAMES_MAX];
	uint32_t name_count;
};

/* ---- ldap_parse.c ---- */

/* Octets of the message that begins there; 0: more must come; -EBADMSG: no message, or too long. */
int ldap_message_length(struct bytes in);
/* A whole message. 0 or -EBADMSG. */
int ldap_request_parse(struct ldap_request *out, struct bytes message) NODISCARD;
/* The number and tenant that a name of a bind stands for: NUMBER, NUMBER@TENANT, or a DN that
 * begins with uid= or cn= of these; its o= is the tenant, too. Returns false for any other. */
bool ldap_name_read(struct bytes name, char number[64], char tenant[32]);

enum ldap_place { LDAP_NOWHERE, LDAP_ROOT, LDAP_TREE, LDAP_CONTACTS, LDAP_DIRECTORY, LDAP_ENTRY };

/* Where a base is; of LDAP_ENTRY *own says below which part. */
enum ldap_place ldap_place_of(struct bytes base, const char *tenant, bool *own);

/* ---- ldap_entry.c ---- */

struct ldap_value {
	const char *name;
	struct bytes value;
};

struct ldap_entry {
	char dn[LDAP_DN_MAX], main[64], id[64];
	struct ldap_value values[LDAP_VALUES_MAX];
	uint32_t count;
	char room[2048];
	size_t used;
	struct bytes folded[LDAP_VALUES_MAX]; /* values as they are compared; p NULL: not yet */
	char folded_room[LDAP_ENTRY_ROOM];
	size_t folded_used;
	/* forms of values that are numbers, and how many there are; NORMAL_UNKNOWN: not yet */
	char normal[LDAP_VALUES_MAX][CONTACT_NORMAL_FORMS][DIAL_NUMBER_MAX];
	uint8_t normal_count[LDAP_VALUES_MAX];
};

/* Of a row of contact.list (own) or directory.list, which stays. Returns false if it has no
 * name. */
bool ldap_entry_make(struct ldap_entry *out, const json_t *row, const char *tenant, bool own);
/* Values of the filter become what they are compared as, once for all entries. Its text is to be
 * looked for before that. plan: that of the tenant, for numbers. False: there is no room. */
bool ldap_filter_fold(struct ldap_request *q, const struct dial_plan *plan,
		      char room[LDAP_FILTER_ROOM]) NODISCARD;
/* Whether the folded filter is true of it (RFC 4511 4.5.1.7: undefined is not). */
bool ldap_entry_matches(struct ldap_entry *e, const struct ldap_request *q,
			const struct dial_plan *plan);

enum ldap_hint { LDAP_HINT_NONE, LDAP_HINT_TEXT, LDAP_HINT_NEVER };

/* A text that each entry of which the filter is true has in a name; or that there is no such. */
enum ldap_hint ldap_filter_hint(const struct ldap_request *q, char out[LDAP_HINT_MAX]);

/* ---- ldap_write.c: appended to w, which may overflow ---- */

void ldap_result_write(struct writer *w, int32_t id, uint8_t tag, enum ldap_result result,
		       const char *why);
/* With the attributes that are asked for. */
void ldap_entry_write(struct writer *w, const struct ldap_request *q, const struct ldap_entry *e);
/* The root DSE (RFC 4512 5.1); tenant: "" before a bind; tls: it can be started. */
void ldap_root_write(struct writer *w, const struct ldap_request *q, const char *tenant, bool tls);

#endif
