/* SPDX-License-Identifier: Apache-2.0 */
/* Rules beyond the schema: settings that contradict each other or this machine.
 * Errors have the value's position. */
#include <assert.h>
#include <string.h>

#include "app/settings/settings_schema.h"
#include "base/clock.h"
#include "sig/sip/uri.h"

void rule_where(const struct check *c, const char *path, uint32_t *line, uint32_t *column)
{
	char upper[PATH_MAX_BYTES];

	*line = *column = 1;
	(void)snprintf(upper, sizeof(upper), "%s", path);
	while (conf_where(c->yaml, upper, line, column)) {
		char *cut = strrchr(upper, '.');
		char *bracket = strrchr(upper, '[');

		if (!cut || (bracket && bracket > cut))
			cut = bracket;
		if (!cut)
			return;
		*cut = '\0';
	}
}

bool rule_is_name(const char *name, bool capitals)
{
	for (const char *p = name; *p; p++) {
		bool fine = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' ||
			    *p == '_' || *p == '.' || (capitals && *p >= 'A' && *p <= 'Z');

		if (!fine)
			return false;
	}
	return name[0] != '\0';
}

/* As the kernel has it: dev_valid_name in net/core/dev.c. */
void rule_interface(const struct check *c, const char *path, const char *name)
{
	bool fine = strcmp(name, ".") != 0 && strcmp(name, "..") != 0;

	for (const char *p = name; *p; p++)
		fine &= *p > ' ' && *p != '/' && *p != ':' && *p != 0x7f;
	if (!fine)
		REPORT(c, path,
		       "%s must be the name of an interface (ip link): without '/', ':' and spaces",
		       path);
}

static bool node_runs(const struct settings_node *node, uint32_t shard, uint32_t before)
{
	for (uint32_t i = 0; i < before; i++) {
		if (node->shards[i] == shard)
			return true;
	}
	return node->shard == shard;
}

struct numbers {
	uint32_t n,
		of[SETTINGS_SHARDS_MAX + 1 + SETTINGS_CLUSTER_SHARDS_MAX + SHARD_NETWORKS_MAX + 1];
};

static void number_add(struct numbers *list, uint32_t shard)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (list->of[i] == shard)
			return;
	}
	list->of[list->n++] = shard;
}

/* Of this node, and of others that it may run. */
static void check_shard_count(const struct check *c)
{
	const struct settings *s = c->s;
	struct numbers all = { 0 };

	number_add(&all, s->node.shard);
	for (uint32_t i = 0; i < s->node.shards_count; i++)
		number_add(&all, s->node.shards[i]);
	for (uint32_t i = 0; i < s->cluster.shards_count; i++)
		number_add(&all, s->cluster.shards[i]);
	for (uint32_t i = 0; i < s->network_count; i++) {
		if (s->networks[i].floating)
			number_add(&all, s->networks[i].shard);
	}
	if (all.n > 1 + SETTINGS_SHARDS_MAX)
		REPORT(c, s->cluster.shards_count ? "cluster.shards" : "networks",
		       "networks and cluster.shards name %" PRIu32
		       " shards with those of the node: %d are most",
		       all.n, 1 + SETTINGS_SHARDS_MAX);
	if (s->cluster.shards_count && s->cluster.listen.family == ADDR_NONE)
		REPORT(c, "cluster.shards", "cluster.shards needs cluster.listen");
}

static void check_floating(const struct check *c, uint32_t i)
{
	const struct settings_network *n = &c->s->networks[i];
	char path[PATH_MAX_BYTES];

	if (!n->floating)
		return;
	(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].floating", i);
	if (!n->shard)
		REPORT(c, path, "%s: name the shard of the address: networks[%" PRIu32 "].shard",
		       path, i);
	if (c->s->cluster.listen.family == ADDR_NONE)
		REPORT(c, path, "%s is for nodes of a cluster: give cluster.listen", path);
}

static void check_shards(const struct check *c)
{
	const struct settings_node *node = &c->s->node;
	char path[PATH_MAX_BYTES];

	for (uint32_t i = 0; i < node->shards_count; i++) {
		(void)snprintf(path, sizeof(path), "node.shards[%" PRIu32 "]", i);
		if (node_runs(node, node->shards[i], i))
			REPORT(c, path, "%s: %" PRIu32 " is there already", path, node->shards[i]);
	}
	for (uint32_t i = 0; i < c->s->network_count; i++) {
		uint32_t shard = c->s->networks[i].shard;

		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].shard", i);
		check_floating(c, i);
		if (!c->s->networks[i].floating && shard &&
		    !node_runs(node, shard, node->shards_count))
			REPORT(c, path, "%s: %" PRIu32 " is neither node.shard nor in node.shards",
			       path, shard);
	}
}

static void check_node(const struct check *c)
{
	const struct settings_node *node = &c->s->node;

	check_shards(c);
	check_shard_count(c);
	if (!rule_is_name(node->name, true))
		REPORT(c, "node.name", "node.name may have letters, digits, '.', '-' and '_' only");
	if (node->state_dir[0] != '/') {
		REPORT(c, "node.state_dir",
		       "node.state_dir must be an absolute path, such as /var/lib/tandem");
	}
}

/* A preset follows the bounds; what the file says is held against them. */
static void clamp_many(const struct check *c)
{
	struct settings_sip *sip = &c->s->sip;
	uint32_t line, column;

	if (!conf_where(c->yaml, "sip.registration_expires_many", &line, &column))
		return;
	if (sip->registration_expires_many > sip->registration_expires_max)
		sip->registration_expires_many = sip->registration_expires_max;
	if (sip->registration_expires_many < sip->registration_expires_min)
		sip->registration_expires_many = sip->registration_expires_min;
}

static void check_sip(const struct check *c)
{
	const struct settings_sip *sip = &c->s->sip;

	if (sip->realm[0] == '\0' || strpbrk(sip->realm, "\"\\"))
		REPORT(c, "sip.realm", "sip.realm must not be empty and has no '\"' or '\\'");
	for (const char *p = sip->realm; *p; p++) {
		if ((uint8_t)*p < 0x20 || *p == 0x7f) {
			REPORT(c, "sip.realm", "sip.realm has a control character");
			break;
		}
	}
	if (sip->registration_expires_min > sip->registration_expires) {
		REPORT(c, "sip.registration_expires_min",
		       "sip.registration_expires_min must not be above registration_expires "
		       "(%" PRIu64 "s)",
		       sip->registration_expires / NS_PER_S);
	}
	if (sip->registration_expires > sip->registration_expires_max) {
		REPORT(c, "sip.registration_expires_max",
		       "sip.registration_expires_max must not be below registration_expires "
		       "(%" PRIu64 "s)",
		       sip->registration_expires / NS_PER_S);
	}
	if (sip->session_expires && sip->session_expires < SESSION_EXPIRES_MIN_S * NS_PER_S)
		REPORT(c, "sip.session_expires",
		       "sip.session_expires must be 0s or at least %ds (RFC 4028)",
		       SESSION_EXPIRES_MIN_S);
	clamp_many(c);
	if (sip->registration_expires_many < sip->registration_expires_min ||
	    sip->registration_expires_many > sip->registration_expires_max) {
		REPORT(c, "sip.registration_expires_many",
		       "sip.registration_expires_many must not be below registration_expires_min "
		       "(%" PRIu64 "s) nor above registration_expires_max (%" PRIu64 "s)",
		       sip->registration_expires_min / NS_PER_S,
		       sip->registration_expires_max / NS_PER_S);
	}
}

static void preset_path(const struct check *c, char out[TLS_PATH_MAX], const char *name)
{
	(void)snprintf(out, TLS_PATH_MAX, "%s/tls/%s", c->s->node.state_dir, name);
}

/* Whether the files are good is seen when they are read. */
static void check_tls(const struct check *c)
{
	struct settings_tls *tls = &c->s->tls;

	tls->is_preset = !tls->own.certificate[0] && !tls->own.key[0];
	if (!tls->is_preset && (!tls->own.certificate[0] || !tls->own.key[0])) {
		REPORT(c, "tls", "tls.certificate and tls.key belong together: give both, or none");
	}
	if (!tls->is_preset)
		return;
	preset_path(c, tls->own.certificate, "node.pem");
	preset_path(c, tls->own.key, "node.key");
	if (!tls->ca[0])
		preset_path(c, tls->ca, "ca.pem");
}

static void check_algorithms(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->sip.digest_algorithm_count; i++) {
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "sip.digest_algorithms[%" PRIu32 "]", i);
		if (!settings_digest_algorithm(bytes_str(c->s->sip.digest_algorithms[i])))
			REPORT(c, path, "%s must be one of MD5, SHA-256, SHA-512-256", path);
	}
}

static void check_trusted(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->sip.trusted_count; i++) {
		struct shard_trusted rule;
		const char *key, *reason;
		char path[PATH_MAX_BYTES];

		if (!settings_trusted_read(&rule, c->s, &c->s->sip.trusted[i], &key, &reason))
			continue;
		(void)snprintf(path, sizeof(path), "sip.trusted[%" PRIu32 "].%s", i, key);
		REPORT(c, path, "%s: %s", path, reason);
	}
}

static bool is_dialled(const char *number)
{
	for (const char *p = number; *p; p++) {
		if ((*p < '0' || *p > '9') && !strchr("+*#", *p))
			return false;
	}
	return number[0] != '\0';
}

/* The usual ones of the world: Europe, North America, Britain, Germany, Australia, Italy, Japan. */
static void preset_emergency(struct settings_sip *sip)
{
	static const char *const usual[] = { "112", "911", "999", "110", "000",
					     "118", "119", "113", "115" };

	sip->emergency_number_count = COUNT_OF(usual);
	for (size_t i = 0; i < COUNT_OF(usual); i++)
		(void)snprintf(sip->emergency_numbers[i], sizeof(sip->emergency_numbers[i]), "%s",
			       usual[i]);
}

static void check_emergency(const struct check *c)
{
	uint32_t line, column;

	if (conf_where(c->yaml, "sip.emergency_numbers", &line, &column))
		preset_emergency(&c->s->sip);
	for (uint32_t i = 0; i < c->s->sip.emergency_number_count; i++) {
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "sip.emergency_numbers[%" PRIu32 "]", i);
		if (!is_dialled(c->s->sip.emergency_numbers[i]))
			REPORT(c, path, "%s may have digits, '+', '*' and '#' only", path);
	}
}

static bool are_alike(const struct feature_codes *codes, enum feature_action a,
		      enum feature_action b)
{
	struct bytes code_a = bytes_str(codes->code[a]), code_b = bytes_str(codes->code[b]);

	return a != b && code_a.n && code_b.n &&
	       (feature_code_hides(codes, a, code_b) || feature_code_hides(codes, b, code_a));
}

/* The first code that it could be mistaken for; FEATURES: none. Codes without a setting differ. */
static enum feature_action code_alike(const struct check *c, const struct feature_codes *codes,
				      enum feature_action feature, const char *path)
{
	uint32_t line, column;
	unsigned i = conf_where(c->yaml, path, &line, &column) ? FEATURES : 0;

	while (i < FEATURES && !are_alike(codes, feature, (enum feature_action)i))
		i++;
	return (enum feature_action)i;
}

static const char *hidden_emergency(const struct settings *s, const struct feature_codes *codes,
				    enum feature_action feature)
{
	for (uint32_t i = 0; i < s->sip.emergency_number_count; i++) {
		if (feature_code_hides(codes, feature, bytes_str(s->sip.emergency_numbers[i])))
			return s->sip.emergency_numbers[i];
	}
	return NULL;
}

static void check_code(const struct check *c, const struct feature_codes *codes,
		       enum feature_action feature)
{
	const char *code = codes->code[feature];
	const char *emergency = hidden_emergency(c->s, codes, feature);
	char path[PATH_MAX_BYTES];
	enum feature_action other;

	(void)snprintf(path, sizeof(path), "codes.%s", feature_key(feature));
	other = code_alike(c, codes, feature, path);
	if (code[0] && (!strchr("*#", code[0]) || !code[1] || !is_dialled(code)))
		REPORT(c, path,
		       "%s must be \"off\", or begin with '*' or '#', as \"*72\": no number of an "
		       "extension does",
		       path);
	else if (other != FEATURES)
		REPORT(c, path, "%s begins as codes.%s does: a phone could not dial both", path,
		       feature_key(other));
	else if (emergency)
		REPORT(c, path, "%s hides the emergency number %s", path, emergency);
}

/* The first with which it could be mistaken; CALL_CODE_COUNT: none. */
static enum call_code call_code_alike(const struct call_codes *codes, enum call_code code)
{
	unsigned i = 0;

	while (i < code && !call_codes_clash(codes, code, (enum call_code)i))
		i++;
	return i < code ? (enum call_code)i : CALL_CODE_COUNT;
}

static void check_call_codes(const struct check *c)
{
	struct call_codes codes;

	settings_call_codes_read(c->s, &codes);
	for (unsigned i = 0; i < CALL_CODE_COUNT; i++) {
		enum call_code other = call_code_alike(&codes, (enum call_code)i);
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "call_codes.%s",
			       call_code_key((enum call_code)i));
		if (codes.code[i][0] && !call_code_is_valid(codes.code[i]))
			REPORT(c, path,
			       "%s must be \"off\", or begin with '*' or '#' and have 2 to 8 "
			       "digits, as \"*1\"",
			       path);
		else if (other != CALL_CODE_COUNT)
			REPORT(c, path, "%s begins as call_codes.%s does: nobody could press both",
			       path, call_code_key(other));
	}
}

static void check_x_headers(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->sip.x_header_count; i++) {
		const char *wrong = identity_extra_wrong(bytes_str(c->s->sip.x_headers[i]));
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "sip.x_headers[%" PRIu32 "]", i);
		if (wrong)
			REPORT(c, path, "%s", wrong);
	}
}

/* A file of an older version may use the code of a newer feature: that is then off. */
static void newer_codes_give_way(const struct check *c, struct feature_codes *codes)
{
	for (unsigned i = FEATURE_LAST_CALLER; i < FEATURES; i++) {
		char path[PATH_MAX_BYTES];
		uint32_t line, column;
		unsigned other = 0;

		(void)snprintf(path, sizeof(path), "codes.%s", feature_key((enum feature_action)i));
		while (other < FEATURES &&
		       !are_alike(codes, (enum feature_action)i, (enum feature_action)other))
			other++;
		if (other == FEATURES || !conf_where(c->yaml, path, &line, &column))
			continue;
		memcpy(c->s->codes.dialled.code[i], SETTINGS_CODE_OFF, sizeof(SETTINGS_CODE_OFF));
		codes->code[i][0] = '\0';
	}
}

/* Behind the emergency numbers. */
static void check_codes(const struct check *c)
{
	struct feature_codes codes;

	settings_codes_read(c->s, &codes);
	newer_codes_give_way(c, &codes);
	for (unsigned i = 0; i < FEATURES; i++)
		check_code(c, &codes, (enum feature_action)i);
}

static void check_origin_list(const struct check *c, const char *key,
			      const char (*list)[ORIGIN_MAX], uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "%s[%" PRIu32 "]", key, i);
		if (!origin_is_pattern(bytes_str(list[i]))) {
			REPORT(c, path,
			       "%s must be \"*\" or as \"https://phone.example.org:8443\": scheme, "
			       "host, port if any, in small letters",
			       path);
		}
	}
}

static void check_origins(const struct check *c)
{
	const struct settings_http *http = &c->s->http;

	check_origin_list(c, "http.origins", http->origins, http->origin_count);
	check_origin_list(c, "http.cors_origins", http->cors_origins, http->cors_origin_count);
}

static bool redis_url_fits(struct bytes url)
{
	if (bytes_starts(url, "unix:/"))
		return url.n - strlen("unix:") < 108;
	if (bytes_starts(url, "sentinel://") || bytes_starts(url, "sentinels://"))
		return true; /* the link says what is wrong with it */
	return (bytes_starts(url, "redis://") && url.n > strlen("redis://")) ||
	       (bytes_starts(url, "rediss://") && url.n > strlen("rediss://")) ||
	       bytes_starts(url, "redis+cluster://") || bytes_starts(url, "rediss+cluster://");
}

static void check_redis(const struct check *c)
{
	const struct redis_place *place = &c->s->redis.place;
	bool tls = bytes_starts(bytes_str(place->url), "rediss://") ||
		   bytes_starts(bytes_str(place->url), "rediss+cluster://") ||
		   bytes_starts(bytes_str(place->url), "sentinels://");

	/* The url may hold a password: it is not repeated. */
	if (place->url[0] && !redis_url_fits(bytes_str(place->url))) {
		REPORT(c, "redis.url",
		       "redis.url begins with unix:/ (107 characters at most), redis://, "
		       "rediss://, sentinel://, sentinels://, redis+cluster:// or "
		       "rediss+cluster://: docs/config.md has each of them whole");
	}
	if (!tls && (place->ca[0] || place->certificate[0] || place->key[0])) {
		REPORT(c, "redis.url",
		       "redis.ca, redis.certificate and redis.key are for TLS: redis.url must "
		       "begin with rediss://, sentinels:// or rediss+cluster:// then");
	}
	if (!place->certificate[0] != !place->key[0]) {
		REPORT(c, place->key[0] ? "redis.key" : "redis.certificate",
		       "redis.certificate and redis.key belong together: name both, or none");
	}
	if (c->s->redis.save_replicas && !place->url[0])
		REPORT(c, "redis.save_replicas",
		       "redis.save_replicas needs redis.url: the node's own Redis has no replica");
}

static void check_others(const struct check *c)
{
	check_redis(c);
	if (c->s->http.bind.port) {
		REPORT(c, "http.bind",
		       "http.bind is an address without a port: it has a key of its own, "
		       "http.port");
	}
	if (c->s->http.health_bind.port) {
		REPORT(c, "http.health_bind",
		       "http.health_bind is an address without a port: it has a key of its own, "
		       "http.health_port");
	}
	if (c->s->http.health_port && c->s->http.health_port == c->s->http.port &&
	    addr_ip_eq(&c->s->http.health_bind, &c->s->http.bind)) {
		REPORT(c, "http.health_port",
		       "http.health_port is http.port: give it another, or 0 to answer there");
	}
	if (addr_is_multicast(&c->s->http.bind))
		REPORT(c, "http.bind", "http.bind must not be a multicast address");
	if (c->s->limits.transactions < c->s->limits.calls) {
		REPORT(c, "limits.transactions",
		       "limits.transactions must not be below limits.calls (%" PRIu32
		       "): a call needs several",
		       c->s->limits.calls);
	}
}

int settings_login_role(const char *row, struct bytes *value)
{
	static const char *const words[] = { "reader", "application", "admin", "operator" };
	const char *equals = strrchr(row, '=');

	for (int i = 0; equals && equals != row && i < (int)COUNT_OF(words); i++) {
		*value = bytes_mem(row, (size_t)(equals - row));
		if (!strcmp(equals + 1, words[i]))
			return i;
	}
	return -1;
}

bool rule_is_here(const char *url)
{
	const char *at = strstr(url, "://");
	struct sip_place place;
	struct addr addr;

	at = at ? at + 3 : url;
	if (sip_place_read(&place, bytes_mem(at, strcspn(at, "/?#"))))
		return false;
	return bytes_iis(bytes_str(place.host), "localhost") ||
	       (!addr_parse(&addr, bytes_str(place.host)) && addr_is_loopback(&addr));
}

static void check_mail(const struct check *c)
{
	const struct settings_mail *m = &c->s->mail;
	const char *text = c->s->transcription.url;

	if (m->url[0] && strncmp(m->url, "smtp://", 7) != 0 && strncmp(m->url, "smtps://", 8) != 0)
		REPORT(c, "mail.url",
		       "mail.url must begin with smtp:// or smtps://, such as "
		       "smtp://mail.example.org:587");
	if (m->url[0] && !strchr(m->from, '@'))
		REPORT(c, "mail.from", "mail.url needs mail.from, the address mails come from");
	if (strchr(m->url, '@'))
		REPORT(c, "mail.url",
		       "mail.url has no user: mail.user and mail.password_file are that");
	if (m->url[0] && m->user[0] && !m->starttls && !strncmp(m->url, "smtp://", 7) &&
	    !rule_is_here(m->url))
		REPORT(c, "mail.starttls",
		       "mail.starttls: false would send the password of mail.user in plain: leave "
		       "it out, or use smtps://; only a server on this machine may have it so");
	if (text[0] && strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
		REPORT(c, "transcription.url", "transcription.url must be a URL of http or https");
}

static void check_archive(const struct check *c)
{
	const char *url = c->s->archive.url;

	if (url[0] && strncmp(url, "postgresql://", 13) != 0 &&
	    strncmp(url, "postgres://", 11) != 0)
		REPORT(c, "archive.url",
		       "archive.url must begin with postgresql://, such as "
		       "postgresql://tandem:password@db.example.org/tandem");
}

static bool login_url_is_good(const char *url)
{
	return bytes_starts(bytes_str(url), "https://") || bytes_starts(bytes_str(url), "http://");
}

static void check_login(const struct check *c)
{
	const struct settings_login *l = &c->s->login;
	char path[PATH_MAX_BYTES];
	struct bytes value;

	if (!l->issuer[0])
		return;
	if (!bytes_starts(bytes_str(l->issuer), "https://"))
		REPORT(c, "login.issuer", "login.issuer must begin with https://");
	if (!l->client_id[0] || (!l->role_count && !l->number_claim[0]))
		REPORT(c, "login",
		       "login.issuer needs login.client_id, and login.roles or login.number_claim");
	if (l->role_count && !login_url_is_good(l->redirect))
		REPORT(c, "login.redirect",
		       "login.redirect must be a URL, as "
		       "https://pbx.example.org/v1/login/callback");
	if (l->number_claim[0] && !login_url_is_good(l->user_redirect))
		REPORT(c, "login.user_redirect",
		       "login.user_redirect must be a URL, as https://pbx.example.org/login");
	for (uint32_t i = 0; i < l->role_count; i++) {
		(void)snprintf(path, sizeof(path), "login.roles[%" PRIu32 "]", i);
		if (settings_login_role(l->roles[i], &value) < 0)
			REPORT(c, path,
			       "%s must be VALUE=ROLE; roles are reader, application, admin and "
			       "operator",
			       path);
	}
}

static void check_hep(const struct check *c)
{
	const struct addr *to = &c->s->hep.collector;

	if (to->family != ADDR_NONE && (!to->port || addr_is_any(to)))
		REPORT(c, "hep.collector",
		       "hep.collector must be an address with a port, such as 192.0.2.7:9060");
}

static void check_live_endpoint(const struct check *c, uint32_t i)
{
	const struct settings_live_endpoint *e = &c->s->live.endpoints[i];
	bool wss = bytes_starts(bytes_str(e->url), "wss://");
	bool ws = bytes_starts(bytes_str(e->url), "ws://");
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "live.endpoints[%" PRIu32 "].url", i);
	if (!wss && !ws)
		REPORT(c, path, "%s must begin with wss:// or ws://", path);
	if (ws && !c->s->live.plain)
		REPORT(c, path, "%s must begin with wss://, as live.plain is false", path);
	(void)snprintf(path, sizeof(path), "live.endpoints[%" PRIu32 "].name", i);
	if (!rule_is_name(e->name, true))
		REPORT(c, path, "%s must be of letters, digits, '-', '_' and '.'", path);
	for (uint32_t k = 0; k < i; k++) {
		if (!strcmp(e->name, c->s->live.endpoints[k].name))
			REPORT(c, path, "%s must be a name of its own", path);
	}
	(void)snprintf(path, sizeof(path), "live.endpoints[%" PRIu32 "].rate", i);
	if (e->rate != 8000 && e->rate != 16000 && e->rate != 24000)
		REPORT(c, path, "%s must be 8000, 16000 or 24000", path);
}

static void check_live(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->live.endpoint_count; i++)
		check_live_endpoint(c, i);
}

static void check_tenants(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->network_count; i++) {
		const char *tenant = c->s->networks[i].tenant;
		char path[PATH_MAX_BYTES];

		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].tenant", i);
		if (tenant[0] == '.' || tenant[0] == '_' ||
		    (tenant[0] && !rule_is_name(tenant, true)))
			REPORT(c, path,
			       "%s must have letters, digits, '-', '.' and '_' only, none of the "
			       "last two in front",
			       path);
	}
}

/* At least one network needs its interface; the others may do without, as the start reports. */
static void check_interfaces(const struct check *c)
{
	struct settings *s = c->s;
	uint32_t column, with = 0;
	char path[PATH_MAX_BYTES];

	for (uint32_t i = 0; i < s->network_count; i++) {
		s->without_interface[i] = 0;
		with += s->networks[i].interface[0] != '\0';
		if (s->media.port != ENGINE_PORT_XDP || s->networks[i].interface[0])
			continue;
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "]", i);
		rule_where(c, path, &s->without_interface[i], &column);
	}
	if (s->media.port == ENGINE_PORT_XDP && with == 0)
		REPORT(c, "media.port", "media.port is xdp: a network must name its interface");
}

static void check_dpdk(const struct check *c)
{
	static const uint8_t nobody[6];
	const struct settings_dpdk *dpdk = &c->s->media.dpdk;
	uint8_t mac[6];

	if (c->s->media.port == ENGINE_PORT_DPDK && dpdk->device[0] == '\0')
		REPORT(c, "media.dpdk.device", "media.dpdk.device is missing: media.port is dpdk");
	if (dpdk->device[0] == ',')
		REPORT(c, "media.dpdk.device",
		       "media.dpdk.device must begin with a name, as in "
		       "net_memif0,role=server,socket=/run/m.sock");
	rule_interface(c, "media.dpdk.tap", dpdk->tap);
	if (dpdk->gateway[0] != '\0' &&
	    (settings_mac_parse(mac, dpdk->gateway) || memcmp(mac, nobody, sizeof(mac)) == 0))
		REPORT(c, "media.dpdk.gateway",
		       "media.dpdk.gateway must be a MAC address such as 02:00:5e:10:00:01");
}

static void check_sounds(const struct check *c)
{
	struct settings_media *media = &c->s->media;

	if (media->sounds[0] == '\0')
		(void)snprintf(media->sounds, sizeof(media->sounds), "%s/sounds",
			       c->s->node.state_dir);
	else if (media->sounds[0] != '/')
		REPORT(c, "media.sounds",
		       "media.sounds must be an absolute path, such as /var/lib/tandem/sounds");
	if (media->speech_url[0] && strncmp(media->speech_url, "http://", 7) != 0 &&
	    strncmp(media->speech_url, "https://", 8) != 0)
		REPORT(c, "media.speech_url",
		       "media.speech_url must be a URL of http or https, such as "
		       "https://speech.example.com/say");
	if (media->music[0] == '.' || (media->music[0] && !rule_is_name(media->music, true)))
		REPORT(c, "media.music",
		       "media.music must be the name of a file in media.sounds: letters, digits, "
		       "'.', '-' and '_' only, no '.' in front");
}

static void check_media(const struct check *c)
{
	check_sounds(c);
	check_interfaces(c);
	check_dpdk(c);
}

static void check_dns(const struct check *c)
{
	for (uint32_t i = 0; i < c->s->dns.server_count; i++) {
		char path[PATH_MAX_BYTES];
		struct addr a;

		if (!addr_parse(&a, bytes_str(c->s->dns.servers[i])) && !addr_is_any(&a) &&
		    !addr_is_multicast(&a))
			continue;
		(void)snprintf(path, sizeof(path), "dns.servers[%" PRIu32 "]", i);
		REPORT(c, path, "%s must be an address, as 192.0.2.53 or [2001:db8::53]:5353",
		       path);
	}
}

void settings_check(struct settings *s, struct bytes yaml, struct conf_errors *errors)
{
	struct check c = { .s = s, .yaml = yaml, .errors = errors };

	assert(s->network_count <= SHARD_NETWORKS_MAX);
	check_node(&c);
	rule_networks(&c);
	check_sip(&c);
	check_tls(&c);
	check_media(&c);
	check_algorithms(&c);
	check_trusted(&c);
	check_emergency(&c);
	check_x_headers(&c);
	check_codes(&c);
	check_call_codes(&c);
	check_origins(&c);
	check_others(&c);
	check_dns(&c);
	rule_cluster(&c);
	check_login(&c);
	check_mail(&c);
	check_hep(&c);
	check_live(&c);
	check_tenants(&c);
	rule_recordings(&c);
	check_archive(&c);
	rule_siprec(&c);
	sections_check(&c);
}
