/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings of addresses of record (RFC 3261 10, RFC 3581 NAT). Pure: a request and the present
 * entry in, the new entry and the response out; the owner saves the entry before the 200 is
 * sent. */
#ifndef SIG_LOCATION_REGISTRAR_H
#define SIG_LOCATION_REGISTRAR_H

#include <assert.h>

#include "base/bytes.h"
#include "base/schema.h"
#include "base/seal.h"
#include "sig/host/tenant.h"
#include "sig/sip/gruu.h"

struct hop_edges;

struct registrar_settings;

enum {
	BINDINGS_MAX = 10, /* contacts per address of record, */
	/* and of one request: all that are there go, and as many others come */
	REGISTER_CONTACTS_MAX = 20,
	/* a phone that lost its connection returns within this time, or is dropped */
	BINDING_BACK_S = 60,
};

struct binding {
	struct text contact; /* URI as registered */
	struct text call_id; /* RFC 3261 10.3 step 7 */
	struct text user_agent;
	/* proxies that requests go through (RFC 3327), as in Route; empty: none */
	struct text path;
	struct text node;     /* its node; empty: this one */
	struct text instance; /* +sip.instance, with its quotes taken off: the phone's own name */
	uint32_t reg_id;      /* with the instance the name of a flow (RFC 5626 6); 0: none */
	uint32_t cseq;
	uint64_t expires_utc_ms;
	uint64_t registered_utc_ms; /* by the last REGISTER; 0: an older record */
	/* where the REGISTER came from: requests go there (symmetric, NAT safe) */
	struct sip_hop hop;
	/* until refreshed there: the previous hop, which saved calls may still have; NULL: none */
	struct sip_hop *was;
	struct addr bound; /* our address of hop.local, for a later process; filled by the owner */
	uint64_t device;   /* that has proven itself (sig/host/devices.h); 0: the extension has */
	uint16_t location; /* where its phone says that it is (REG-32); 0: nowhere */
	uint16_t q;        /* RFC 3261 20.10, in thousandths; 1000 if the phone states none */
	bool nat;          /* source is not what Contact and Via say */
	bool closed; /* the connection it came by is gone; of this process alone, in no record */
	bool stored; /* the store has it, or an older one of its kind; in no record either */
};
static_assert(sizeof(struct binding) <= 216, "of each registration");
/* It has no listener at its source, and its connection is gone, or was a former process's: it is
 * reachable once it reconnects. Until then others go first, and it is replaced by phones that are
 * reachable. */
bool binding_is_lost(const struct binding *b);

/* It came by another node. */
static inline bool binding_is_foreign(const struct binding *b)
{
	return b->node.n != 0;
}

/* All contacts of one address of record: the shared entry. */
struct aor {
	struct text tenant;
	struct text user;
	uint64_t version;         /* grows with each change; compare-and-set in the store */
	struct steady_mark clock; /* that the bindings' times are of; filled by the owner */
	uint64_t born;            /* another one where the store had lost what came before */
	uint64_t written_utc_ms;  /* when the record was made that it was read from */
	const char *node;         /* the node name for the record; NULL: none */
	struct text writer;       /* the node name that it had; empty once evaluated */
	struct text unknown;      /* of its record: what a later program wrote (base/schema.h) */
	uint32_t count, room;     /* of those below; most have one phone */
	struct binding *bindings; /* BINDINGS_MAX at most, the last refreshed one at the end */
};
void aor_clear(struct aor *a);
int aor_copy(struct aor *to, const struct aor *from) NODISCARD;

/* A program must not use a record of a higher format. One that knows only the default tenant would
 * set those of others aside. */
enum { AOR_FORMAT_DEFAULT = 1, AOR_FORMAT_TENANTS = 2, AOR_FORMAT = AOR_FORMAT_TENANTS };

struct registrar_answer {
	uint16_t status;    /* 200, 400, 403, 423, 439, 500 (old CSeq) */
	const char *reason; /* constant; NULL: the standard phrase */
	bool changed;       /* the entry must be saved before the answer is sent */
	bool device_full;   /* 403: it has as many accounts as it may (REG-27) */
	bool path;          /* RFC 3327 5.3: that of the last binding is repeated */
	bool outbound;      /* RFC 5626 6: the flow is maintained, and the phone asked to be told */
	uint16_t flow_timer_s; /* with that: the interval at which the phone has to send */
	/* Phones that have registered again from elsewhere: their requests go the new way. */
	struct {
		struct sip_hop from, to;
	} moved[BINDINGS_MAX];
	uint32_t moved_count;
};

/* Applies an authenticated REGISTER to *entry (the present one, or empty with tenant and user set).
 * All or nothing: on an error *entry is unchanged. Expired bindings are dropped on the way. */
void registrar_step(struct aor *entry, const struct sip_message *request,
		    const struct registrar_settings *settings, struct instant now,
		    struct registrar_answer *answer);
/* Whether that REGISTER asks for an address to be kept: it does not only ask what there is, or
 * leave. */
bool registrar_binds(const struct sip_message *request);
/* Whether that REGISTER is of a registered phone: it came by the hop of a binding, or has its
 * secret Call-ID or instance. Other requests: by the hop alone. Also before authentication. */
bool registrar_knows(const struct aor *entry, const struct sip_message *request, uint64_t utc_ms);
/* The location id of the sending phone: known by its Contact, else by its hop, if all phones there
 * agree. 0: unknown. */
uint16_t registrar_location(const struct aor *entry, const struct sip_message *request,
			    uint64_t utc_ms);
/* What the phones' GRUUs are made of (RFC 5627). */
struct registrar_gruu {
	struct gruu_home home;
	const struct seal_key *key;
	struct rand_source *rand;
};
/* Header lines of the response: Contacts with remaining expires, Min-Expires for 423, Date (wall_ms
 * later than now). gruu: for each phone with an instance; NULL: not requested. */
void registrar_write_headers(struct writer *w, const struct aor *entry,
			     const struct registrar_answer *answer,
			     const struct registrar_settings *settings,
			     const struct registrar_gruu *gruu, struct instant now,
			     int64_t wall_ms);
/* That connection is gone. Bindings reached only by it expire soon, unless the phone returns.
 * Returns true if there were any. */
bool registrar_close(struct aor *entry, uint64_t connection, uint64_t utc_ms);
/* Removes expired bindings; true when something changed. */
bool registrar_expire(struct aor *entry, uint64_t utc_ms);

/* Record (protobuf sig/location/registrar.proto). edges: names of its connections; NULL:
 * without. */
extern const struct schema aor_rows[];
int aor_encode(const struct aor *entry, const struct hop_edges *edges, struct text *out) NODISCARD;
/* Returns 0, -EBADMSG or -EPROTONOSUPPORT with a reason; unknown fields are kept, every bound is
 * checked. */
int aor_decode(struct aor *out, struct bytes record, struct hop_edges *edges,
	       const char **reason) NODISCARD;

/* The entry's values; private to registrar*.c. */

/* Octets; what registrar_step lets in, aor_decode takes. */
enum {
	BINDING_CONTACT_MAX = 512,
	BINDING_CALL_ID_MAX = 256,
	BINDING_AGENT_MAX = 128,
	BINDING_INSTANCE_MAX = 128,
	AOR_NAME_MAX = 256,
	AOR_NODE_MAX = 64,
	BINDING_Q_MAX = SIP_Q_MAX,
};

void binding_clear(struct binding *b);
int binding_copy(struct binding *to, const struct binding *from) NODISCARD;
/* Where its phone was before. 0 or -ENOMEM. */
int binding_was(struct binding *b, const struct sip_hop *hop) NODISCARD;
/* Takes one out; the others keep their order. */
void aor_remove(struct aor *a, uint32_t i);
/* There is room for so many from now on. 0 or -ENOMEM. */
int aor_reserve(struct aor *a, uint32_t room) NODISCARD;
/* Puts *b at the end, and takes it over. 0 or -ENOMEM. There are fewer than BINDINGS_MAX. */
int aor_append(struct aor *a, struct binding *b) NODISCARD;

#endif
