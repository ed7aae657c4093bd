/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node file tandem.yaml as a value. Pure: text in, struct and errors out. Settings marked "at
 * start" keep their values until the node restarts; all others are applied by SIGHUP without
 * dropping a call.
 */
#ifndef APP_SETTINGS_SETTINGS_H
#define APP_SETTINGS_SETTINGS_H

#include "app/settings/origin.h"
#include "base/addr.h"
#include "base/conf.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/tls/tls.h"
#include "cluster/redis/redis.h"
#include "engine/engine.h"
#include "engine/port/port_dpdk.h"
#include "engine/port/port_xdp.h"
#include "media/hep.h"
#include "sig/host/settings.h"
#include "sig/shard/shard.h"

enum {
	SETTINGS_SIP_PORTS_MAX = 8,
	SETTINGS_SHARDS_MAX = 15, /* besides node.shard */
	SETTINGS_CLUSTER_SHARDS_MAX = 16,
	SETTINGS_STATE_DIR_MAX = 91, /* the path of EMBEDDED_SOCKET below it must fit into 108 */
	SETTINGS_PREFIX_MAX = 52,    /* "[v6]/128" and NUL */
	SETTINGS_ALGORITHM_MAX = 16,
	SETTINGS_TRANSPORTS_MAX = 3, /* never WebSocket */
	SETTINGS_TRANSPORT_MAX = 8,
	SETTINGS_FILE_MAX = 1 << 20,
	SETTINGS_SIP_LOCALS_MAX = SHARD_LOCALS_MAX - 1, /* the last one is for WebSockets */
	SETTINGS_ORIGINS_MAX = 16,
	SETTINGS_DNS_SERVERS_MAX = 3,
	SETTINGS_ALLOW_MAX = 3,
	SETTINGS_ALLOW_LEN = 16,
	SETTINGS_PATH_MAX = 256,
	SETTINGS_SOUND_MAX = 65, /* as SOUND_NAME_MAX, and NUL */
	SETTINGS_DESTINATIONS_MAX = 16,
	SETTINGS_TENANT_CERTIFICATES_MAX = 63,
	SETTINGS_DELIVER_MAX = 8,
	SETTINGS_RECIPIENTS_MAX = 8,
	SETTINGS_DESTINATION_NAME_MAX = 32,
	SETTINGS_LIVES_MAX = 16,
	SETTINGS_LIVE_TENANTS_MAX = 8,
	SETTINGS_FEATURES_OCTETS = 4096,
	SETTINGS_XDP_MAX = 2 * SHARD_NETWORKS_MAX, /* media_ports, and those from webrtc_port on */
};

struct settings_node {
	char name[64];
	uint32_t shard;
	uint32_t shards[SETTINGS_SHARDS_MAX]; /* further ones */
	uint32_t shards_count;
	char state_dir[SETTINGS_STATE_DIR_MAX];
	uint64_t drain_time;
};

struct settings_network {
	char name[32];
	struct addr bind;
	struct addr advertise; /* filled from bind when the file gives none */
	uint32_t shard;        /* of what arrives here and names none; 0: any */
	bool floating; /* the address goes with that shard, which may be any of the cluster */
	uint32_t sip_ports[SETTINGS_SIP_PORTS_MAX];
	uint32_t sip_port_count;
	uint32_t sip_tcp_ports[SETTINGS_SIP_PORTS_MAX]; /* as sip_ports when the file gives none */
	uint32_t sip_tcp_port_count;
	uint32_t sip_tls_ports[SETTINGS_SIP_PORTS_MAX];
	uint32_t sip_tls_port_count;
	struct conf_range media_ports;
	uint32_t webrtc_port; /* of the first worker; 0: none */
	char allow[SETTINGS_ALLOW_MAX][SETTINGS_ALLOW_LEN];
	uint32_t allow_count;
	char interface[XDP_NAME_MAX]; /* empty: media comes by sockets only */
	/* Of all that arrives at its SIP ports; empty: by domain. */
	char tenant[TENANT_NAME_MAX];
};

enum { SETTINGS_DOMAINS_MAX = 8 }; /* the certificates' names have the other places */

/* A rule of trust; short form: its prefix alone. */
struct settings_trusted {
	char prefix[SETTINGS_PREFIX_MAX];
	char network[32]; /* empty: any */
	char transports[SETTINGS_TRANSPORTS_MAX][SETTINGS_TRANSPORT_MAX];
	uint32_t transport_count; /* 0: UDP, TCP and TLS; with a port UDP */
	uint32_t port;            /* 0: any */
	bool client_certificate;
	uint32_t calls_max, calls_per_second; /* 0: no limit */
};

struct settings_sip {
	char realm[128];
	uint64_t registration_expires; /* all durations: ns */
	uint64_t registration_expires_min;
	uint64_t registration_expires_max;
	uint64_t registration_expires_many;
	uint32_t registration_many;
	struct call_settings calls;
	uint64_t session_expires; /* 0: off */
	uint32_t max_contacts;
	uint32_t max_device_accounts;
	char digest_algorithms[DIGEST_ALGORITHMS][SETTINGS_ALGORITHM_MAX];
	uint32_t digest_algorithm_count; /* 0: MD5 alone */
	char domains[SETTINGS_DOMAINS_MAX][SHARD_DOMAIN_MAX];
	uint32_t domain_count;
	int digits; /* 1: shown */
	char info_types[SHARD_INFO_TYPES_MAX][SHARD_INFO_TYPE_MAX];
	uint32_t info_type_count;
	char x_headers[IDENTITY_EXTRA_MAX][IDENTITY_EXTRA_NAME_MAX];
	uint32_t x_header_count;
	struct settings_trusted trusted[SHARD_TRUSTED_MAX];
	uint32_t trusted_count;
	char emergency_numbers[SHARD_EMERGENCY_MAX][SHARD_EMERGENCY_LEN];
	uint64_t overload_delay;         /* 0: off */
	uint32_t emergency_number_count; /* filled with the usual ones when the file gives none */
};

#define SETTINGS_CODE_OFF "off"
/* Dialled codes; "off": none. */
struct settings_codes {
	bool enabled;
	struct feature_codes dialled;
};

/* In-call codes: digits, "off": none; and the time to wait for the next one. */
struct settings_call_codes {
	struct call_codes pressed;
	uint64_t wait;
};

struct settings_tls {
	/* The default: files of tandemctl init. */
	struct tls_files own;
	bool is_preset; /* it gave none */
	char ca[TLS_PATH_MAX];
	int client_certificates; /* enum tls_client_certificates */
	struct tls_files certificates[TLS_IDENTITIES_MAX - 1];
	uint32_t certificate_count;
};

enum { DPDK_ARG_MAX = 128, DPDK_DEVICE_MAX = 256, DPDK_TAP_MAX = 16, DPDK_MAC_TEXT = 18 };

struct settings_dpdk {
	char device[DPDK_DEVICE_MAX];
	char args[DPDK_ARGS_MAX][DPDK_ARG_MAX];
	uint32_t arg_count;
	bool hugepages;
	char tap[DPDK_TAP_MAX];
	char gateway[DPDK_MAC_TEXT]; /* empty: none */
};

struct settings_media {
	int port;        /* enum engine_port */
	int xdp_forward; /* enum engine_forward */
	uint64_t xdp_forward_alive;
	uint32_t workers;
	int latch; /* enum latch_mode */
	uint32_t dscp_audio, dscp_video, dscp_sip;
	bool video;
	bool transcode;
	uint32_t transcode_complexity, transcode_busy;
	int transcode_opus_rate; /* settings_to_opus_hz */
	uint64_t timeout;        /* 0: never */
	uint64_t port_rest;
	uint32_t batch_wait_us;
	/* Default: the folder sounds of state_dir. */
	char sounds[SETTINGS_PATH_MAX];
	char music[SETTINGS_SOUND_MAX];     /* empty: none */
	char speech_url[SETTINGS_PATH_MAX]; /* speaks texts; empty: the engines of this machine */
	int tones;                          /* settings_tones */
	struct settings_dpdk dpdk;
};

struct settings_dns {
	char servers[SETTINGS_DNS_SERVERS_MAX][ADDR_TEXT_MAX];
	uint32_t server_count; /* 0: those of /etc/resolv.conf */
};

extern const char *const g_settings_fsync[];

struct settings_redis {
	struct redis_place place; /* without a url: the node's own server */
	int fsync;                /* of that: its place in g_settings_fsync */
	uint64_t deadline;
	bool save_calls;
	uint32_t save_replicas;
};

struct settings_cluster {
	struct addr listen; /* ADDR_NONE: the node takes part in no cluster */
	uint64_t lease;
	uint32_t replicas;
	bool failback;
	uint32_t shards[SETTINGS_CLUSTER_SHARDS_MAX]; /* of other nodes, perhaps with its own */
	uint32_t shards_count;
	char address_hook[256]; /* app/keeper/hook.h; "": none */
};

struct settings_http {
	struct addr bind;
	uint32_t port; /* 0: no HTTP */
	struct addr health_bind;
	uint32_t health_port; /* 0: health and metrics are on port */
	bool tls, sip;
	char origins[SETTINGS_ORIGINS_MAX][ORIGIN_MAX];
	uint32_t origin_count;
	char cors_origins[SETTINGS_ORIGINS_MAX][ORIGIN_MAX];
	uint32_t cors_origin_count;
	uint32_t requests_per_token,
		requests_per_source; /* of the HTTP API, a second; 0: no limit */
	char swagger_ui[SETTINGS_PATH_MAX], pages[SETTINGS_PATH_MAX];
};

enum { SETTINGS_LOGIN_ROLES_MAX = 32 };

/* The OpenID provider for logins of administrators, and of users. */
struct settings_login {
	char issuer[512]; /* "": nowhere */
	char client_id[256], secret_file[SETTINGS_PATH_MAX], ca[SETTINGS_PATH_MAX];
	char redirect[512], scope[128], role_claim[128], tenant_claim[128];
	char user_redirect[512], number_claim[128]; /* number_claim empty: no users */
	char roles[SETTINGS_LOGIN_ROLES_MAX][128];  /* VALUE=ROLE */
	uint32_t role_count;
	uint64_t session_ns;
};

/* How messages of mailboxes are sent (docs/guides/voicemail-notification.md). */
struct settings_mail {
	char url[SETTINGS_PATH_MAX]; /* "": no mail */
	char from[128], user[128];
	char password_file[SETTINGS_PATH_MAX], ca[SETTINGS_PATH_MAX];
	bool starttls;
	uint64_t retry, give_up;
};

/* The service that transcribes messages. */
struct settings_transcription {
	char url[SETTINGS_PATH_MAX]; /* "": none */
	char key_file[SETTINGS_PATH_MAX], ca[SETTINGS_PATH_MAX], model[64];
};

struct settings_log {
	int level;  /* enum log_level */
	int format; /* enum log_format */
};

struct settings_trace {
	bool decrypted;
	uint32_t quota_mib, files;
	uint32_t recent_kib;
	uint64_t keep;
};

struct settings_hep {
	struct addr collector; /* ADDR_NONE: no export */
	uint32_t capture_id;
	char password[HEP_PASSWORD_MAX + 1];
};

/* An application for live sound. */
struct settings_live_endpoint {
	char name[32];
	char url[SETTINGS_PATH_MAX];
	char token_file[SETTINGS_PATH_MAX]; /* "": none */
	char tenants[SETTINGS_LIVE_TENANTS_MAX][TENANT_NAME_MAX];
	uint32_t tenant_count; /* 0: all */
	int format;            /* 0: l16, 1: ulaw */
	uint32_t rate;
};

struct settings_live {
	struct settings_live_endpoint endpoints[SETTINGS_LIVES_MAX];
	uint32_t endpoint_count;
	uint32_t streams;
	bool plain;
	char ca[SETTINGS_PATH_MAX];
	uint64_t connect, give_up;
};

struct settings_limits {
	uint32_t calls, registrations, transactions, subscriptions, transcoded_calls;
	uint32_t video_calls;
	uint32_t connections, connections_per_source, websockets;
	uint32_t sip_per_s[GUARD_CLASS_COUNT];
};

/* In the order of enum quota_item. */
struct settings_quota {
	uint32_t calls, transactions, port_pairs;
	uint32_t calls_per_second, registrations_per_second;
};

struct settings_quotas {
	uint32_t share; /* percent */
	struct settings_quota extension, peer, source;
};

/* In the order of g_destination_kinds (app/deliver/terms.h). */
enum settings_destination_kind {
	SETTINGS_DIRECTORY,
	SETTINGS_S3,
	SETTINGS_HTTP,
	SETTINGS_SFTP,
	SETTINGS_FTP,
	SETTINGS_MAIL,
};

/* A destination of recordings. */
struct settings_destination {
	char name[SETTINGS_DESTINATION_NAME_MAX];
	int kind; /* enum settings_destination_kind */
	char url[SETTINGS_PATH_MAX], user[SETTINGS_PATH_MAX];
	char password_file[SETTINGS_PATH_MAX], key_file[SETTINGS_PATH_MAX];
	char known_hosts[SETTINGS_PATH_MAX], ca[SETTINGS_PATH_MAX];
	char bucket[128], region[64];
	bool path_style, starttls, metadata;
	char from[128], to[SETTINGS_RECIPIENTS_MAX][128];
	uint32_t to_count;
	uint32_t max_mib; /* 0: any */
	uint32_t part_mib;
};

struct settings_tenant_certificate {
	char tenant[32];
	char file[SETTINGS_PATH_MAX];
};

enum { SETTINGS_VOICEMAIL_AUTO, SETTINGS_VOICEMAIL_YES, SETTINGS_VOICEMAIL_NO };

struct settings_recordings {
	uint32_t port;               /* of links to them; 0: none */
	uint32_t copies, copies_mib; /* on a neighbour, of what is not stored yet */
	uint64_t copies_every, copies_wait;
	/* Default: the folder recordings of state_dir. */
	char folder[SETTINGS_PATH_MAX];
	struct settings_destination store[SETTINGS_DESTINATIONS_MAX];
	uint32_t store_count;
	char deliver[SETTINGS_DELIVER_MAX][SETTINGS_DESTINATION_NAME_MAX];
	uint32_t deliver_count;
	int format;                      /* as enum record_format of the recorder */
	uint32_t memory_mib, most;       /* of running recordings */
	struct recording_settings calls; /* rules for calls */
	uint64_t retry, retry_max, give_up, scan, join_wait;
	uint32_t refusals;
	uint32_t keep_days; /* 0: for ever */
	uint32_t list_days; /* days that all nodes list; 0: none */
	uint32_t free_mib;
	bool delete_delivered;
	int voicemail;                       /* SETTINGS_VOICEMAIL_*: to destinations */
	int opus;                            /* as g_opus_names of the schema */
	uint64_t opus_wait;                  /* ns */
	char certificate[SETTINGS_PATH_MAX]; /* "": not encrypted */
	struct settings_tenant_certificate tenant_certificates[SETTINGS_TENANT_CERTIFICATES_MAX];
	uint32_t tenant_certificate_count;
};

/* The archive: what people look up. */
struct settings_archive {
	bool enabled;
	char url[512];       /* of PostgreSQL; "": SQLite in state_dir */
	uint32_t stream_max; /* entries of a stream that wait for it in Redis */
};

struct settings_ivr {
	uint32_t max_digits; /* that one call.collect takes (ADM-20) */
};

enum {
	SETTINGS_SIPREC_MORE_MAX = SHARD_SIPREC_MAX - 1,
	SETTINGS_SIPREC_ADDRESS_MAX = DNS_NAME_CAP + sizeof(":65535") - 1,
};

/* The external recorder. */
struct settings_siprec {
	char address[SETTINGS_SIPREC_ADDRESS_MAX]; /* "": none */
	char more[SETTINGS_SIPREC_MORE_MAX][SETTINGS_SIPREC_ADDRESS_MAX];
	uint32_t more_count;
	char auth_user[SHARD_SIPREC_USER_MAX], auth_realm[SHARD_SIPREC_REALM_MAX], password[128];
	int transport; /* as enum sip_transport: UDP, TCP, TLS */
	char user[SHARD_SIPREC_USER_MAX];
	char network[32];
	bool srtp;
};

struct settings {
	struct settings_node node;
	struct settings_network networks[SHARD_NETWORKS_MAX];
	uint32_t network_count;
	/* Line of each network without an interface although media.port is xdp; 0: none. */
	uint32_t without_interface[SHARD_NETWORKS_MAX];
	struct settings_sip sip;
	struct settings_codes codes;
	struct settings_call_codes call_codes;
	struct settings_tls tls;
	struct settings_media media;
	struct settings_dns dns;
	struct settings_redis redis;
	struct settings_cluster cluster;
	struct settings_http http;
	struct settings_login login;
	struct settings_log log;
	struct settings_limits limits;
	struct settings_quotas quotas;
	struct settings_trace trace;
	struct settings_hep hep;
	struct settings_recordings recordings;
	struct settings_archive archive;
	struct settings_mail mail;
	struct settings_transcription transcription;
	struct settings_live live;
	struct conference_settings conferences;
	struct settings_ivr ivr;
	struct settings_siprec siprec;
	/* Values of the sections that features have, each at its place (settings_add). */
	max_align_t features[SETTINGS_FEATURES_OCTETS / sizeof(max_align_t)];
};

struct check;

/* A section of the file that a feature has (struct app_feature): its value is a struct of the
 * feature's own. */
struct settings_section {
	const char *key, *help;
	const struct conf_field *fields; /* ends with key NULL */
	size_t size;                     /* of a value */
	/* Rules beyond the schema (settings_schema.h); NULL: none. */
	void (*check)(const struct check *c, const void *value);
	size_t at;                     /* in struct settings; 0: not added yet */
	struct settings_section *next; /* the one that was added before */
};
/* Once each, before the file is read; main thread. */
void settings_add(struct settings_section *section);
/* Its value there. */
const void *settings_of(const struct settings *s, const struct settings_section *section);

/* The schema of the whole file, with all sections that were added; ends with key NULL. */
extern struct conf_field g_settings_fields[];
extern const char *const g_settings_tones[]; /* the first one is off */
/* Role of a row of login.roles, 0 the lowest; *value is the text before it. -1: malformed. */
int settings_login_role(const char *row, struct bytes *value);

/* Schema and rules, all errors at once. 0, or -EINVAL with at least one error. */
int settings_read(struct settings *out, struct bytes yaml, struct conf_errors *errors) NODISCARD;
/* Rules beyond the schema (overlaps, families, prefixes); fills derived settings. */
void settings_check(struct settings *s, struct bytes yaml, struct conf_errors *errors);
/* "10.0.0.0/8", "2001:db8::/32", or an address, into net and bits. 0, or -EINVAL and *reason. */
int settings_prefix_parse(struct shard_trusted *out, struct bytes in,
			  const char **reason) NODISCARD;
/* Warnings of settings that are valid, but hardly meant: place, and what to do instead. */
void settings_warn(const struct settings *s, struct bytes yaml, struct conf_errors *warnings);
/* One rule of trust. 0, or -EINVAL: *key has the wrong key, *reason the error. */
int settings_trusted_read(struct shard_trusted *out, const struct settings *s,
			  const struct settings_trusted *in, const char **key,
			  const char **reason) NODISCARD;

/* "loopback", "link_local", "own": SHARD_ALLOW_*; 0: none of them. */
uint8_t settings_allow(struct bytes name);
/* "MD5", "SHA-256", "SHA-512-256", case ignored: 1 << enum digest_algorithm; 0: none of them. */
unsigned settings_digest_algorithm(struct bytes name);

/* The longest file is SETTINGS_FILE_MAX; *text is malloc'ed. 0 or -errno. */
int settings_load(const char *path, char **text, size_t *n) NODISCARD;

/* Restores values of *before that need a restart, and writes the names of those that differ,
 * separated by blanks. */
void settings_keep_at_start(struct settings *now, const struct settings *before,
			    struct writer *changed);

/* Codes that are on. */
void settings_codes_read(const struct settings *s, struct feature_codes *out);
void settings_call_codes_read(const struct settings *s, struct call_codes *out);
/* For shard_open and shard_configure. nonce_key: DIGEST_KEY_LEN bytes.
 * tls: a certificate exists, so TLS ports open. */
void settings_to_shard(const struct settings *s, const uint8_t *nonce_key, bool tls,
		       struct shard_settings *out);
/* For quota_open and quota_configure; calls: those that fit. */
void settings_to_quotas(const struct settings *s, uint32_t calls, struct quota_settings *out);
/* Index into shard_settings.locals of the WebSockets' address; UINT32_MAX: none. */
uint32_t settings_web_local(const struct settings *s, bool tls);
/* True when a network has TLS ports, or HTTP is over TLS. */
bool settings_wants_tls(const struct settings *s);
void settings_to_tls(const struct settings *s, struct tls_settings *out);
/* Its strings are those of s. */
void settings_to_dpdk(const struct settings *s, struct port_dpdk_settings *out);
/* "02:00:5e:10:00:01". 0 or -EINVAL. */
int settings_mac_parse(uint8_t out[6], const char *text) NODISCARD;
/* Networks of media.port xdp: returns the number filled of out, at most SETTINGS_XDP_MAX. */
uint32_t settings_to_xdp(const struct settings *s, struct port_xdp_network *out);
/* Pairs of media ports over all networks. */
uint32_t settings_port_pairs(const struct settings *s);
/* Settings of the engine's transcoders (engine/worker/transcoder.h). */
uint32_t settings_to_coding(const struct settings *s);
/* PCM rate of transcoded Opus; 0: the other codec's. */
uint32_t settings_to_opus_hz(const struct settings *s);
/* Name of the tone plan (dsp/tone.h); "": none. */
const char *settings_tones(const struct settings *s);

/* docs/config.md: the reference of every setting, in Markdown. */
void settings_write_reference(struct writer *w);

#endif
