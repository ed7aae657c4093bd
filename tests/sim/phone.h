/* SPDX-License-Identifier: Apache-2.0 */
/* Honest RFC 3261 user agents with real transactions: they register, call and are called, and do what a scenario tells them. */
#ifndef TESTS_SIM_PHONE_H
#define TESTS_SIM_PHONE_H

#include "sig/shard/shard.h"
#include "sig/sip/digest.h"
#include "tests/sim/node.h"
#include "tests/sim/phone_call.h"
#include "tests/sim/phone_txn.h"

enum { PHONES_MAX = 8, PHONE_CALLS_MAX = 32, EXTENSIONS_MAX = NODE_EXTENSIONS };

/* How it takes a call. */
struct phone_manner {
	enum { MANNER_ANSWER, MANNER_REFUSE, MANNER_IGNORE, MANNER_RING } kind;
	uint16_t status;     /* REFUSE */
	uint64_t ring_ns;    /* until it answers or refuses */
	bool rings;          /* 180 first */
	bool early;          /* 183 with SDP first */
	bool answers_cancel; /* picks up while the CANCEL comes */
	uint64_t fork_ns;    /* another one behind its address picks up, too (RFC 3261 13.2.2.4) */
	uint32_t redirect;   /* 3xx: extension, */
	uint8_t sends_on; /* ... or one more than the phone at which the same number is to be asked */
};

/* A nonce that it gave out, and the highest count that it was answered with. */
struct phone_nonce {
	uint64_t id;
	uint32_t count;
};
enum { PHONE_NONCES = 64 };

struct phone {
	uint32_t index, extension;
	uint32_t node;       /* the place (node.h) where it registers, and its calls begin */
	uint32_t heard_from; /* the place whose message it looks at */
	char user[16];
	struct addr addr;
	char address[ADDR_TEXT_MAX];
	enum sip_transport transport;
	enum {
		PRACKS_NOT,
		PRACKS_CAN,
		PRACKS_MUST
	} prack; /* RFC 3262; MUST: it demands it where it calls */
	const char *
		only; /* the formats that it has; NULL: those of phone_sdp.c, of which it takes what is asked for */
	bool srtp;  /* offers keys */
	bool named; /* its Contact is a name (names.h) */
	bool web;   /* a browser: ICE, DTLS, BUNDLE */
	bool video;
	bool has_instance;             /* by +sip.instance */
	char gruu[160];                /* its newest temporary one (RFC 5627) */
	uint32_t reg_id;               /* of its flow (RFC 5626); 0: none */
	uint32_t roamed;               /* so often, or to another node */
	uint64_t connection;           /* stream; 0: none */
	uint64_t said_ns, received_ns; /* nothing on it arrives before */
	bool alive;
	bool unreachable; /* while it is not alive: its host answers with ICMP */
	bool registered;
	uint32_t reg_cseq, reg_tries, expires_s;
	uint64_t reg_serial;
	uint32_t branches, tags;
	uint64_t vanished_ns;   /* last time; 0: never */
	struct phone_txn *txns; /* list */
	uint64_t txn_serial;
	struct phone_call *calls[PHONE_CALLS_MAX];
	uint32_t call_count;
	struct phone_nonce nonces[PHONE_NONCES];
	uint64_t asked; /* so often */
};

/* What one wrote outside of calls. */
struct phone_page {
	uint32_t from, to; /* phone; extension */
	uint32_t cseq, tries;
	uint16_t status; /* the final response; 0: none yet */
	bool taken;      /* a phone said so */
	uint32_t came;   /* to these phones; bits */
};
enum { PAGES_MAX = 8 };

/* What an extension is told about keys. */
enum phone_secure { SECURE_NOT, SECURE_ANYHOW, SECURE_TLS };

struct phones {
	enum phone_secure secure[EXTENSIONS_MAX];     /* of extensions */
	struct shard_forward forward[EXTENSIONS_MAX]; /* the same */
	bool music;                                   /* the node has some */
	bool spoken;                                  /* who parks hears the slot said */
	bool web[EXTENSIONS_MAX];                     /* of extensions */
	bool named[PHONES_MAX];                       /* those over UDP and IPv4 */
	bool refer;                                   /* they give calls away */
	bool asks[PHONES_MAX];                        /* they want credentials of the node, */
	uint64_t nonce_ms;                            /* every so often others */
	struct phone list[PHONES_MAX];
	uint32_t count, extension_count;
	struct phone_page pages[PAGES_MAX];
	uint32_t page_count;
};

struct phone_kind {
	uint32_t extension, expires_s, node;
	enum sip_transport transport;
	bool v6, srtp, video, web;
	int prack; /* as in struct phone */
};
/* Where it is at first. */
void phone_place(uint32_t index, bool v6, char out[ADDR_TEXT_MAX]);
void phone_open(struct sim *s, uint32_t index, const struct phone_kind *kind);
void phones_close(struct sim *s);
struct phone *phone_at(struct sim *s, const struct addr *addr); /* NULL: the node's */
const char *phone_name(struct sim *s, const struct addr *addr, char out[16]);
/* A datagram came. */
void phone_receive(struct sim *s, struct phone *p, struct bytes datagram);
void phone_say(struct sim *s, struct phone *p, struct bytes text);
/* Where the message goes: to the node that has the call. */
uint32_t phone_node(const struct sim *s, const struct phone *p, struct bytes message);
/* Where its messages come from. */
struct sip_hop phone_hop(const struct sim *s, const struct phone *p);
/* Lines of an INVITE whose phone keeps the session's time (RFC 4028). */
#define STORY_SESSION "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n"
/* It connects again, registers, and says once more what is open. */
void phone_connect_later(struct sim *s, struct phone *p);
/* Nobody is at that place any more: all connections are dead. */
void phones_disconnect(struct sim *s, uint32_t place);
/* Takes the line out of the wall; its calls and transactions are gone. */
void phone_vanish(struct sim *s, struct phone *p, bool unreachable);
void phone_return(struct sim *s, struct phone *p);
/* It is in another network from now on: another address, and by another transport where that is one. It registers from there, and says once
 * more what is open. */
void phone_roam(struct sim *s, struct phone *p, enum sip_transport transport);

/* Another node is its registrar from now on. Its dialogs stay with theirs, so one with a connection goes between calls only. */
void phone_go(struct sim *s, struct phone *p, uint32_t node);

/* ---- phone_register.c ---- */
void phone_register(struct sim *s, struct phone *p, uint32_t expires_s, const char *credentials);
void phone_registered(struct sim *s, struct phone *p, const struct sip_message *m);
void phone_register_later(struct sim *s, struct phone *p, uint64_t ns);

/* ---- phone_asks.c ---- */
/* Some of a run. */
void phones_ask_begin(struct sim *s);
/* The node has credentials. */
void phones_ask_of(struct shard *shard);
/* It wants to know who asks: it has said so. False: it knows. */
bool phone_asks(struct sim *s, struct phone *p, struct phone_txn *t, const struct sip_message *m);

/* ---- phone_page.c ---- */
/* It writes to that extension; after a challenge once more. */
void phone_page(struct sim *s, struct phone *p, uint32_t to);
void phone_page_answered(struct sim *s, struct phone *p, const struct sip_message *m);
void phone_page_came(struct sim *s, struct phone *p, struct phone_txn *t,
		     const struct sip_message *m);
/* Of so many pages the writer heard that a phone took it. */
uint32_t phone_pages_taken(const struct sim *s);
/* Somebody has not heard what became of a page. */
bool phone_is_paging(const struct sim *s);

/* ---- phone_secret.c ---- */
void phone_secret(const char *number, struct digest_secret *out);
/* The (Proxy-)Authorization line for a challenge; "" when there is none that can be answered. */
enum { PHONE_NAME_MAX = 32 };
/* The name of that user's phones that stand at a location. */
void phone_located_name(const char *number, char out[PHONE_NAME_MAX]);
const char *phone_credentials(const struct sim *s, const struct phone *p,
			      const struct sip_message *challenge, const char *method,
			      const char *uri, char out[1024]);

#endif
