/* SPDX-License-Identifier: Apache-2.0 */
/* A received SIP message as slices, checked for what RFC 3261 8.1.1 and 20 require (mandatory
 * headers, CSeq method, Content-Length, duplicates, scalar ranges: RFC 4475). Pure. Not libre's
 * sip_msg_decode: it rejects a message as a whole where a response is due (other versions, no
 * branch, a bad URI), and takes an unknown header for a known one if 12 bits of their hashes agree.
 * It is the oracle of the fuzz target. */
#ifndef SIG_SIP_MESSAGE_H
#define SIG_SIP_MESSAGE_H

#include "base/addr.h"
#include "base/bytes.h"

enum sip_method {
	SIP_INVITE,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_REGISTER,
	SIP_OPTIONS,
	SIP_INFO,
	SIP_PRACK,
	SIP_UPDATE,
	SIP_REFER,
	SIP_NOTIFY,
	SIP_SUBSCRIBE,
	SIP_PUBLISH,
	SIP_MESSAGE,
	SIP_UNKNOWN,
};

/* Case-sensitive (RFC 3261 7.1). */
enum sip_method sip_method_parse(struct bytes name);
const char *sip_method_name(enum sip_method method);

struct message_head;

/* Where a message came from or goes to. */
enum sip_transport {
	SIP_UDP,
	SIP_TCP,
	SIP_TLS,
	SIP_WS, /* WebSocket (RFC 7118), and over TLS: browsers connect to us, never the reverse */
	SIP_WSS,
	/* between shards (docs/adr/0009): no listener, and not in URIs or documents */
	SIP_INTER_SHARD,
};
#define SIP_TRANSPORTS (SIP_WSS + 1) /* those that others can use */
struct sip_hop {
	enum sip_transport transport;
	uint16_t local; /* index of our listening address (shard_settings.locals) */
	uint16_t name; /* TLS: the name its certificate must have (hop.h); 0: that of the address */
	struct addr remote;
	/* Except UDP: the connection, as the transport names it; never used twice by a process; 0:
	 * unknown. The transport sends on it while it lives, else opens one to remote. Not part of
	 * records: after a restart it is 0. */
	uint64_t connection;
	/* Except UDP: remote is the source of its connection, without a listener: it is unreachable
	 * once that is closed. */
	bool inbound;
	/* TLS: it has a certificate that we verified; a property of the connection, never
	 * recorded */
	bool certified;
};

/* "UDP", "TCP", "TLS", "WS", "WSS", "CELL" as in Via. */
const char *sip_transport_name(enum sip_transport transport);
/* RFC 3261 18: octets in order, so that nothing is sent twice (17.1.1.2). */
bool sip_transport_is_stream(enum sip_transport transport);
/* TLS below it. */
bool sip_transport_is_secure(enum sip_transport transport);
/* Only on connections that others made to us can anything be sent (RFC 7118 5). */
bool sip_transport_is_web(enum sip_transport transport);
/* 5060; TLS: 5061 (RFC 3261 19.1.2); WS: 80; WSS: 443 (RFC 7118 5.5). */
uint16_t sip_transport_port(enum sip_transport transport);
/* A transport parameter or Via transport, case ignored. 0 or -EINVAL. */
int sip_transport_parse(enum sip_transport *out, struct bytes name) NODISCARD;
/* The address of a shard in the cluster: its number as an address that no host has (RFC 1122
 * 3.2.1.3), wherever it runs. */
struct addr inter_shard_address(uint16_t shard);
/* 0: that is no such address. */
uint16_t inter_shard_of(const struct addr *a);
/* The same hop to the same party: the same connection, or the same addresses if one of the two
 * names none (after a restart). */
bool sip_hop_same(const struct sip_hop *a, const struct sip_hop *b);
/* A connection to one may be used for the other: RFC 5923 8, one made for a name is not used for
 * another. */
bool sip_hop_leads_alike(const struct sip_hop *a, const struct sip_hop *b);
/* Nothing about them differs. */
bool sip_hop_equal(const struct sip_hop *a, const struct sip_hop *b);

struct sip_uri {
	struct bytes all;    /* as written, without <> */
	struct bytes scheme; /* "sip", "sips", "tel" */
	struct bytes user;   /* escapes as written */
	struct bytes host;   /* IPv6 without brackets */
	uint16_t port;       /* 0: none */
	struct bytes params; /* after the first ';', without it */
	struct bytes headers;
};

/* name-addr or addr-spec with parameters */
struct sip_name_addr {
	struct bytes display; /* without quotes */
	struct sip_uri uri;
	struct bytes params; /* header parameters: ";tag=x;q=0.5" without the first ';' */
	struct bytes tag;
};

struct sip_via {
	struct bytes transport; /* "UDP" */
	struct bytes sent_by;   /* host[:port] as written */
	struct bytes host;      /* IPv6 without brackets */
	uint16_t port;          /* 0: none */
	struct bytes branch;
	struct bytes params;
	bool rport; /* asked for (RFC 3581) */
	bool udp;
	bool whole; /* all of it was read */
};

struct sip_message {
	struct message_head *head; /* owns the bytes all slices point into */
	bool request;
	enum sip_method method; /* of the request, or of CSeq for a response */
	struct bytes method_name;
	struct sip_uri uri; /* Request-URI */
	uint16_t status;    /* response */
	struct bytes reason;
	struct sip_via via; /* topmost */
	unsigned via_count; /* RFC 3261 8.1.3.3: a UA drops a response with more than one */
	struct sip_name_addr from, to;
	struct bytes call_id;
	uint32_t cseq;
	int32_t max_forwards; /* -1: absent */
	bool has_contact;
	struct sip_name_addr contact; /* first */
	struct bytes contact_header;  /* first Contact header's whole value: "*" for REGISTER */
	struct bytes content_type;
	struct bytes body;
	struct sip_hop hop; /* where it came from; set by the caller of message_parse */
};

/* Why a message was refused. status 0: drop silently (responses; requests too broken to answer). */
struct message_error {
	uint16_t status;
	/* constant, for the reason phrase, log and metric label: "cseq_method_mismatch" */
	const char *reason;
};

/* Decodes one datagram. Returns 0: *out is filled and must be closed. -EBADMSG: *error says what to
 * do; if error->status is not 0, *out is filled as far as message_reply needs and must be closed as
 * well (out->head is not NULL then). */
int message_parse(struct sip_message *out, struct bytes datagram,
		  struct message_error *error) NODISCARD;
/* Of a request decoded before: only its lines, Via and To, which a response repeats. Returns 0, or
 * -EBADMSG with nothing to close. */
int message_parse_kept(struct sip_message *out, struct bytes request) NODISCARD;
void message_close(struct sip_message *m); /* idempotent */

/* The i-th header of that name (in compact or long form), value trimmed. Returns false at the
 * end. */
bool message_header(const struct sip_message *m, const char *name, unsigned i, struct bytes *value);
/* The i-th line of its headers, whatever it is. False at the end. */
bool message_line(const struct sip_message *m, unsigned i, struct bytes *name, struct bytes *value);
/* True when a comma-separated list header has the token, case ignored. */
bool message_has_token(const struct sip_message *m, const char *name, const char *token);
/* All of it, to be parsed again; lives as long as *m. */
struct bytes message_text(const struct sip_message *m);
/* Seconds of Retry-After; 0: absent. */
uint32_t message_retry_after_s(const struct sip_message *m);
/* Expires header or -1. */
int64_t message_expires(const struct sip_message *m);

/* Walks the comma-separated name-addrs of all headers `name` (Contact, Route, Record-Route) in
 * order: *cursor = 0 first. Returns 1: *out filled, 0: end, -EBADMSG. */
int message_name_addr_next(const struct sip_message *m, const char *name, unsigned *cursor,
			   struct sip_name_addr *out);

/* Transport, address and port of a numeric URI (RFC 3263 4); a URI without transport keeps that of
 * the hop. Returns false for a name, an address that no peer has, or a WebSocket; *hop must not be
 * used then. */
bool sip_hop_from_uri(struct sip_hop *hop, const struct sip_uri *uri);
int sip_uri_parse(struct sip_uri *out, struct bytes in) NODISCARD;
int sip_name_addr_parse(struct sip_name_addr *out, struct bytes in) NODISCARD;
/* The value of a parameter in ";a=1;b" text; false if absent. A flag gives the empty slice. Quotes
 * are removed. */
bool sip_param(struct bytes params, const char *name, struct bytes *value);
/* "0", "0.5", "1.000" (RFC 3261 25.1, qvalue) in thousandths. 0 or -EINVAL. */
enum { SIP_Q_MAX = 1000 };
int sip_q_parse(uint16_t *out, struct bytes in) NODISCARD;
/* RFC 3261 19.1.4. */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);
/* Unescapes %xx of a user part into out. 0, -EINVAL or -ENOSPC. NUL is refused. */
int sip_user_unescape(struct bytes user, char *out, size_t cap, size_t *n);
/* What a display name means (RFC 3261 25.1, quoted-pair), as octets of out; control characters are
 * blanks. What does not fit is cut between characters of UTF-8. */
struct bytes sip_display_unescape(struct bytes display, char *out, size_t cap);

/* The one place that formats our responses: status line, all Vias (received/rport per RFC 3581),
 * From, To (+tag if given), Call-ID, CSeq; the caller gives further headers and the body. extra:
 * whole lines, each with CRLF. */
void message_write_response(struct writer *w, const struct sip_message *request, uint16_t status,
			    const char *reason, struct bytes to_tag, struct bytes extra,
			    struct bytes content_type, struct bytes body);
/* RFC 3261 21 phrase. */
const char *sip_reason(uint16_t status);
/* The source address of the request is where its sender listens. Not over UDP without rport (RFC
 * 3581): such a phone may send from one port and listen at the port that it names. */
bool message_is_symmetric(const struct sip_message *request);
/* Where a response to the request goes: RFC 3261 18.2.2 and 3581. */
void message_response_hop(const struct sip_message *request, struct sip_hop *out);

/* A datagram cut into its header lines (private to sig/sip). Owns a copy of the bytes, in which
 * folded lines are joined (RFC 3261 7.3.1), so no value holds a line end and none can start a
 * header line when written again. */

enum { MESSAGE_LINES_MAX = 128, MESSAGE_BYTES_MAX = 65535 };

/* The headers this core reads itself; any other is found by its name. */
enum header_id {
	HEADER_OTHER,
	HEADER_CALL_ID,
	HEADER_CONTACT,
	HEADER_CONTENT_LENGTH,
	HEADER_CONTENT_TYPE,
	HEADER_CSEQ,
	HEADER_EXPIRES,
	HEADER_FROM,
	HEADER_MAX_FORWARDS,
	HEADER_TO,
	HEADER_VIA,
	HEADER_ALLOW_EVENTS,
	HEADER_CONTENT_ENCODING,
	HEADER_EVENT,
	HEADER_REFER_TO,
	HEADER_REFERRED_BY,
	HEADER_SESSION_EXPIRES,
	HEADER_SUBJECT,
	HEADER_SUPPORTED,
	HEADER_IDS,
};

struct header_line {
	struct bytes name;
	struct bytes value; /* trimmed */
	enum header_id id;
};

struct message_head {
	struct bytes raw;   /* the copy */
	struct bytes start; /* the first line */
	struct bytes body;  /* up to the end of the datagram */
	const char *defect; /* what is wrong with the layout; NULL: nothing */
	uint32_t count;
	struct header_line lines[];
};

/* The i-th line of a known header, or NULL. */
const struct header_line *message_head_line(const struct message_head *head, enum header_id id,
					    unsigned i);

/* One Via value. 0 or -EBADMSG; host is filled whenever sent-by was readable. */
int sip_via_parse(struct sip_via *out, struct bytes in) NODISCARD;

#endif
