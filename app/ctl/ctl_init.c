/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandemctl init: the files that a first start needs. Existing files stay, missing ones are made,
 * so it also completes settings that were written by hand.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/ctl/ctl.h"
#include "app/settings/keys.h"
#include "app/settings/settings.h"
#include "base/addr.h"
#include "base/bytes.h"
#include "base/file.h"

/* What tandemctl init was told. */

enum { INIT_YAML_MAX = 16384, INIT_NETWORKS_MAX = 8 };

struct init_network {
	char name[32];
	char bind[ADDR_TEXT_MAX], advertise[ADDR_TEXT_MAX]; /* advertise: may be empty */
};

struct init {
	const char *dir, *config; /* one of them */
	const char *names;        /* further ones in the certificate, with commas */
	/* of a new file only; NULL: not said */
	const char *bind, *advertise, *sip_ports, *tcp_ports, *tls_ports, *media_ports, *http,
		*name, *shard, *trusted;
	const char *network_words[INIT_NETWORKS_MAX];
	uint32_t network_count;

	char path[PATH_MAX]; /* of dir, absolute */
	struct init_network networks[INIT_NETWORKS_MAX];
	char own_name[64], http_address[ADDR_TEXT_MAX];
	uint16_t http_port;
};

/* An authority of the node's own and a server certificate signed by it: ECDSA P-256, PEM. */

enum { CERTIFICATE_NAMES_MAX = 64 };

/* Names in the certificate: hosts and addresses (subject alternative names). */
struct certificate_names {
	const char *list[CERTIFICATE_NAMES_MAX];
	uint32_t count;
};

static bool init_yaml_write(struct init *x, char out[INIT_YAML_MAX]);

enum {
	FILES = 4,
	SERIAL_LEN = 16,
	VERSION_3 = 2,
	BACKDATE_S = 3600, /* for phones with a clock that is a little slow */
	CA_DAYS = 7300,
	NODE_DAYS = 3650,
	SECONDS_PER_DAY = 86400,
	ALT_NAMES_MAX = 4096,
};

static const char *const g_files[FILES] = { "ca.pem", "ca.key", "node.pem", "node.key" };

struct pair {
	EVP_PKEY *key;
	X509 *certificate;
};

static void pair_free(struct pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->certificate);
}

/* RFC 5280 4.1.2.2: positive, unpredictable */
static int set_serial(X509 *x)
{
	uint8_t raw[SERIAL_LEN];
	BIGNUM *number;
	int ok;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return 0;
	raw[0] = (raw[0] & 0x7f) | 0x40;
	number = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
	BN_free(number);
	return ok;
}

static int add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	int ok;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = extension && X509_add_ext(x, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static int set_name(X509 *x, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
					  (const unsigned char *)name, -1, -1, 0);
}

static bool pair_fill(struct pair *p, const char *name, long days)
{
	p->key = EVP_EC_gen("P-256");
	p->certificate = X509_new();
	return p->key && p->certificate && X509_set_version(p->certificate, VERSION_3) == 1 &&
	       set_serial(p->certificate) && set_name(p->certificate, name) &&
	       X509_gmtime_adj(X509_getm_notBefore(p->certificate), -BACKDATE_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(p->certificate), days * SECONDS_PER_DAY) &&
	       X509_set_pubkey(p->certificate, p->key) == 1;
}

static bool sign(struct pair *p, const struct pair *issuer)
{
	return X509_set_issuer_name(p->certificate, X509_get_subject_name(issuer->certificate)) ==
		       1 &&
	       add_extension(p->certificate, issuer->certificate, NID_subject_key_identifier,
			     "hash") &&
	       add_extension(p->certificate, issuer->certificate, NID_authority_key_identifier,
			     "keyid:always") &&
	       X509_sign(p->certificate, issuer->key, EVP_sha256()) != 0;
}

static bool make_ca(struct pair *ca, const char *name)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "tandem CA of %.40s", name);
	return pair_fill(ca, text, CA_DAYS) &&
	       add_extension(ca->certificate, ca->certificate, NID_basic_constraints,
			     "critical,CA:TRUE,pathlen:0") &&
	       add_extension(ca->certificate, ca->certificate, NID_key_usage,
			     "critical,keyCertSign,cRLSign") &&
	       sign(ca, ca);
}

/* An address is also named as a host: linphone's TLS checks host names only. */
static void write_alt_names(struct writer *w, const struct certificate_names *names)
{
	for (uint32_t i = 0; i < names->count; i++) {
		struct addr a;
		bool ip = !addr_parse(&a, bytes_str(names->list[i]));

		writer_fmt(w, "%sDNS:%s", w->n ? "," : "", names->list[i]);
		if (ip)
			writer_fmt(w, ",IP:%s", names->list[i]);
	}
	writer_u8(w, 0);
}

static bool make_node(struct pair *node, const struct pair *ca,
		      const struct certificate_names *names)
{
	char alt[ALT_NAMES_MAX];
	struct writer w = writer_over(alt, sizeof(alt));

	write_alt_names(&w, names);
	/* clientAuth: the node shows it to those it calls, too */
	return !w.overflow && pair_fill(node, names->list[0], NODE_DAYS) &&
	       add_extension(node->certificate, ca->certificate, NID_basic_constraints,
			     "critical,CA:FALSE") &&
	       add_extension(node->certificate, ca->certificate, NID_key_usage,
			     "critical,digitalSignature") &&
	       add_extension(node->certificate, ca->certificate, NID_ext_key_usage,
			     "serverAuth,clientAuth") &&
	       add_extension(node->certificate, ca->certificate, NID_subject_alt_name, alt) &&
	       sign(node, ca);
}

static int write_file(const char *dir, const char *name, unsigned mode, BIO *text)
{
	char path[PATH_MAX];
	char *data;
	long n = BIO_get_mem_data(text, &data);

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return n > 0 ? file_replace(path, mode, bytes_mem(data, (size_t)n)) : -EINVAL;
}

static int write_certificates(const char *dir, const char *name, X509 *first, X509 *second)
{
	BIO *text = BIO_new(BIO_s_mem());
	int err = -EINVAL;

	if (text && PEM_write_bio_X509(text, first) == 1 &&
	    (!second || PEM_write_bio_X509(text, second) == 1))
		err = write_file(dir, name, 0644, text);
	BIO_free(text);
	return err;
}

static int certificate_write_key(const char *dir, const char *name, EVP_PKEY *key)
{
	BIO *text = BIO_new(BIO_s_secmem());
	int err = -EINVAL;

	if (text && PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1)
		err = write_file(dir, name, 0600, text);
	BIO_free(text);
	return err;
}

/* How many of the files there are now; -errno of the first that failed goes to *err. */
static int pairs_write(const char *dir, const struct pair *ca, const struct pair *node, int *err)
{
	*err = write_certificates(dir, g_files[0], ca->certificate, NULL);
	if (*err)
		return 0;
	*err = certificate_write_key(dir, g_files[1], ca->key);
	if (*err)
		return 1;
	*err = write_certificates(dir, g_files[2], node->certificate, ca->certificate);
	if (*err)
		return 2;
	*err = certificate_write_key(dir, g_files[3], node->key);
	return *err ? 3 : FILES;
}

static int check_free(const char *dir)
{
	for (int i = 0; i < FILES; i++) {
		char path[PATH_MAX];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, g_files[i]);
		if (!lstat(path, &st))
			return -EEXIST;
	}
	return 0;
}

static void take_away(const char *dir, int count)
{
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, g_files[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

/* Makes dir (0700) with ca.pem, ca.key, node.pem (the certificate and the authority's) and
 * node.key; keys are 0600. 0, -EEXIST (one exists: nothing is touched), -EINVAL (OpenSSL refused),
 * or -errno. An error removes what was made. */
static int certificates_make(const char *dir, const struct certificate_names *names)
{
	struct pair ca = { 0 }, node = { 0 };
	int err = mkdir(dir, 0700) && errno != EEXIST ? -errno : 0;
	int made;

	if (!err)
		err = check_free(dir);
	if (err)
		return err;
	if (!make_ca(&ca, names->list[0]) || !make_node(&node, &ca, names)) {
		err = -EINVAL;
		take_away(dir, 0);
	} else {
		made = pairs_write(dir, &ca, &node, &err);
		if (err)
			take_away(dir, made);
	}
	pair_free(&ca);
	pair_free(&node);
	return err;
}

/* The authority of that folder, as it is. */
static bool ca_read(const char *dir, struct pair *ca)
{
	char path[PATH_MAX];
	BIO *file;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, g_files[0]);
	file = BIO_new_file(path, "r");
	ca->certificate = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
	BIO_free(file);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, g_files[1]);
	file = BIO_new_file(path, "r");
	ca->key = file ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
	BIO_free(file);
	return ca->certificate && ca->key && X509_check_private_key(ca->certificate, ca->key) == 1;
}

/* Both files are the folder's owner's: root does this for the node's user. */
static int owner_set(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	if (stat(dir, &st))
		return -errno;
	for (int i = 2; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, g_files[i]);
		if (lchown(path, st.st_uid, st.st_gid))
			return -errno;
	}
	return 0;
}

/* A new certificate and key of the same authority, for these names: phones trust it as before. 0,
 * -EINVAL (the authority is malformed, or OpenSSL refused), or -errno. */
static int certificate_renew(const char *dir, const struct certificate_names *names)
{
	struct pair ca = { 0 }, node = { 0 };
	int err = ca_read(dir, &ca) && make_node(&node, &ca, names) ? 0 : -EINVAL;

	if (!err)
		err = certificate_write_key(dir, g_files[3], node.key);
	if (!err)
		err = write_certificates(dir, g_files[2], node.certificate, ca.certificate);
	if (!err)
		err = owner_set(dir);
	pair_free(&ca);
	pair_free(&node);
	return err;
}

struct option {
	const char *name;
	const char **value;
	bool always; /* also where the settings are there */
};

enum { OPTIONS_MAX = 16 };

static size_t options_of(struct init *x, struct option out[OPTIONS_MAX])
{
	const struct option known[] = {
		{ "--dir", &x->dir, true },
		{ "--config", &x->config, true },
		{ "--names", &x->names, true },
		{ "--bind", &x->bind, false },
		{ "--advertise", &x->advertise, false },
		{ "--sip-ports", &x->sip_ports, false },
		{ "--tcp-ports", &x->tcp_ports, false },
		{ "--tls-ports", &x->tls_ports, false },
		{ "--media-ports", &x->media_ports, false },
		{ "--http", &x->http, false },
		{ "--name", &x->name, false },
		{ "--shard", &x->shard, false },
		{ "--trusted", &x->trusted, false },
	};

	memcpy(out, known, sizeof(known));
	return COUNT_OF(known);
}

static bool init_option_set(struct init *x, const char *word, const char *value)
{
	struct option known[OPTIONS_MAX];
	size_t count = options_of(x, known), k = 0;

	while (k < count && strcmp(word, known[k].name) != 0)
		k++;
	if (k < count) {
		*known[k].value = value;
		return true;
	}
	if (strcmp(word, "--network") != 0 || x->network_count == INIT_NETWORKS_MAX)
		return false;
	x->network_words[x->network_count++] = value;
	return true;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool text_is_of(const char *text, const char *allowed)
{
	return text[0] && text[strspn(text, allowed)] == '\0';
}

/* A list with commas: names of hosts and addresses only. */
static bool init_names_are_fine(const char *text)
{
	return text_is_of(text, LETTERS ".-*:,") && text[0] != ',' && !strstr(text, ",,") &&
	       text[strlen(text) - 1] != ',';
}

static bool init_options_read(struct init *x, int argc, char **argv)
{
	for (int i = 0; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!init_option_set(x, argv[i], value)) {
			ctl_complain("init: what is '%s'?", argv[i]);
			return false;
		}
		if (i + 1 >= argc) {
			ctl_complain("init: %s needs a value", argv[i]);
			return false;
		}
	}
	if (!x->dir == !x->config) {
		ctl_complain("init: give --dir DIR for a new node, or --config FILE to complete "
			     "what its settings name");
		return false;
	}
	if (x->names && !init_names_are_fine(x->names)) {
		ctl_complain("init: --names must be names or addresses, such as "
			     "sip.example.org,192.0.2.10");
		return false;
	}
	return true;
}

/* The first option that only a new file would have; NULL: none. */
static const char *option_of_a_new_file(struct init *x)
{
	struct option known[OPTIONS_MAX];
	size_t count = options_of(x, known);

	for (size_t k = 0; k < count; k++) {
		if (!known[k].always && *known[k].value)
			return known[k].name;
	}
	return x->network_count ? "--network" : NULL;
}

/* Also the folders above, as mkdir -p. */
static int init_folder_make(const char *dir, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s", dir);

	if (n <= 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	return realpath(dir, path) ? 0 : -errno;
}

/* ---- the certificate ---- */

enum { NAMES_TEXT = 1024 };

struct names {
	struct certificate_names list;
	char text[NAMES_TEXT];
	char addresses[2 * INIT_NETWORKS_MAX][ADDR_TEXT_MAX];
	uint32_t address_count;
};

static void name_add(struct names *n, const char *name)
{
	for (uint32_t i = 0; i < n->list.count; i++) {
		if (!strcmp(n->list.list[i], name))
			return;
	}
	if (n->list.count < CERTIFICATE_NAMES_MAX)
		n->list.list[n->list.count++] = name;
}

static void init_address_add(struct names *n, const struct addr *address)
{
	char *text;
	struct writer w;

	if (n->address_count == COUNT_OF(n->addresses))
		return;
	text = n->addresses[n->address_count++];
	w = writer_over(text, ADDR_TEXT_MAX - 1);
	addr_write_ip(&w, address);
	text[w.n] = '\0';
	name_add(n, text);
}

/* What phones and browsers may have been told: the first one is also the subject. */
static void names_collect(struct names *n, const struct init *x, const struct settings *s)
{
	*n = (struct names){ 0 };
	(void)snprintf(n->text, sizeof(n->text), "%s", x->names ? x->names : "");
	for (char *rest = n->text, *word; (word = strsep(&rest, ",")) != NULL;) {
		if (*word)
			name_add(n, word);
	}
	name_add(n, s->node.name);
	name_add(n, "localhost");
	for (uint32_t i = 0; i < s->network_count && i < INIT_NETWORKS_MAX; i++) {
		init_address_add(n, &s->networks[i].bind);
		init_address_add(n, &s->networks[i].advertise);
	}
	name_add(n, "127.0.0.1");
	name_add(n, "::1");
}

/* ---- files ---- */

static bool file_is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* err of what should have made it: 0 or -EEXIST is fine. */
static int file_report(int err, const char *path, const char *what)
{
	if (!err || err == -EEXIST)
		(void)printf("%s %s (%s)\n", err ? "kept" : "made", path, what);
	else
		ctl_complain("init: cannot write %s: %s", path, strerror(-err));
	return err == -EEXIST ? 0 : err;
}

static int keys_complete(const struct settings *s)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/keys", s->node.state_dir);
	return file_report(keys_create(path), path, "the secret of the cluster");
}

static int tls_complete(const struct init *x, const struct settings *s)
{
	static char path[PATH_MAX];
	static struct names names;
	int err;

	if (!s->tls.is_preset) {
		(void)printf("kept %s (tls.certificate)\n", s->tls.own.certificate);
		return 0;
	}
	names_collect(&names, x, s);
	(void)snprintf(path, sizeof(path), "%s/tls", s->node.state_dir);
	err = certificates_make(path, &names.list);
	if (err == -EEXIST && x->names)
		return file_report(
			certificate_renew(path, &names.list), path,
			"certificate for these names, of the same authority: reload the node");
	return file_report(err, path, "certificate and authority: phones trust its ca.pem");
}

static bool settings_are_fine(const char *file, const char *yaml, size_t n, struct settings *out)
{
	static struct conf_errors errors;

	if (!settings_read(out, bytes_mem(yaml, n), &errors))
		return true;
	for (uint32_t i = 0; i < errors.count; i++) {
		if (file)
			ctl_complain("init: %s:%u:%u: %s", file, errors.list[i].line,
				     errors.list[i].column, errors.list[i].message);
		else
			ctl_complain("init: %s", errors.list[i].message);
	}
	return false;
}

static int rest_complete(const struct init *x, const struct settings *s)
{
	static char path[PATH_MAX];
	int err = init_folder_make(s->node.state_dir, path);

	if (err) {
		ctl_complain("init: cannot make %s: %s", s->node.state_dir, strerror(-err));
		return err;
	}
	err = tls_complete(x, s);
	return err ? err : keys_complete(s);
}

static int config_make(struct init *x, const char *config)
{
	static struct settings settings;
	static char yaml[INIT_YAML_MAX];
	int err;

	if (!init_yaml_write(x, yaml) || !settings_are_fine(NULL, yaml, strlen(yaml), &settings))
		return CTL_USAGE;
	err = rest_complete(x, &settings);
	if (!err)
		err = file_report(file_create(config, 0600, bytes_str(yaml)), config, "settings");
	return err ? CTL_REFUSED : CTL_DONE;
}

static int config_complete(struct init *x, const char *config)
{
	static struct settings settings;
	const char *option = option_of_a_new_file(x);
	bool fine;
	char *text;
	size_t n;
	int err;

	if (option) {
		ctl_complain("init: %s is there already and stays as it is: %s is for a new file",
			     config, option);
		return CTL_REFUSED;
	}
	err = settings_load(config, &text, &n);
	if (err) {
		ctl_complain("init: %s: %s", config, strerror(-err));
		return CTL_REFUSED;
	}
	fine = settings_are_fine(config, text, n, &settings);
	explicit_bzero(text, n); /* the url may hold a password */
	free(text);
	if (!fine)
		return CTL_REFUSED;
	(void)printf("kept %s (settings)\n", config);
	return rest_complete(x, &settings) ? CTL_REFUSED : CTL_DONE;
}

int ctl_init(const char *given, int argc, char **argv)
{
	static struct init x;
	static char config[PATH_MAX + 16];
	int err;

	x = (struct init){ .config = given };
	if (argc == 1 && !strcmp(argv[0], "--help"))
		return ctl_help(NULL);
	if (!init_options_read(&x, argc, argv))
		return CTL_USAGE;
	if (x.config)
		return config_complete(&x, x.config);
	err = init_folder_make(x.dir, x.path);
	if (err) {
		ctl_complain("init: cannot make %s: %s", x.dir, strerror(-err));
		return CTL_REFUSED;
	}
	(void)snprintf(config, sizeof(config), "%s/tandem.yaml", x.path);
	return file_is_there(config) ? config_complete(&x, config) : config_make(&x, config);
}

/* tandemctl init: a new tandem.yaml.
 * Values are checked before, so that no option can write more than its value. */

/* The address this machine uses towards others; nothing is sent to find it. */
static void init_own_address(char out[ADDR_TEXT_MAX])
{
	struct sockaddr_storage to, sa;
	struct addr a = { 0 };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found = false;

	if (!addr_parse(&a, BYTES_LIT("192.0.2.1:9")) && fd >= 0) {
		uint32_t length = addr_to_sockaddr(&a, &to);

		found = !connect(fd, (const struct sockaddr *)&to, length) &&
			!getsockname(fd, (struct sockaddr *)&sa, &n) &&
			!addr_from_sockaddr(&a, (const struct sockaddr *)&sa) && !addr_is_any(&a);
	}
	a.port = 0;
	(void)snprintf(out, ADDR_TEXT_MAX, "%s", "127.0.0.1");
	if (found)
		(void)addr_text(&a, out);
	if (fd >= 0)
		(void)close(fd);
}

static void own_name(char out[64])
{
	if (gethostname(out, 64))
		out[0] = '\0';
	out[63] = '\0';
	for (char *p = out; *p; p++) {
		if (!strchr(LETTERS ".-_", *p))
			*p = '-';
	}
	if (!out[0])
		(void)snprintf(out, 64, "node1");
}

static bool is_ports_or_none(const char *text)
{
	return !strcmp(text, "none") || text_is_of(text, "0123456789,");
}

static const char *ports_in_yaml(const char *text)
{
	return strcmp(text, "none") ? text : "";
}

static bool is_address(const char *text)
{
	struct addr a;

	return !addr_parse(&a, bytes_str(text)) && !a.port && !a.scope;
}

/* ---- networks ---- */

static bool network_set(struct init *x, const char *name, const char *bind, const char *advertise)
{
	struct init_network *n = &x->networks[x->network_count++];

	(void)snprintf(n->name, sizeof(n->name), "%s", name);
	(void)snprintf(n->bind, sizeof(n->bind), "%s", bind);
	(void)snprintf(n->advertise, sizeof(n->advertise), "%s", advertise ? advertise : "");
	return text_is_of(name, LETTERS ".-_") && strlen(name) < sizeof(n->name) &&
	       is_address(n->bind) && (!advertise || is_address(n->advertise));
}

/* NAME=ADDRESS[/ADVERTISED] */
static bool init_network_read(struct init *x, const char *word)
{
	char text[256], *bind, *advertise;

	if ((size_t)snprintf(text, sizeof(text), "%s", word) >= sizeof(text))
		return false;
	bind = strchr(text, '=');
	if (!bind)
		return false;
	*bind++ = '\0';
	advertise = strchr(bind, '/');
	if (advertise)
		*advertise++ = '\0';
	return network_set(x, text, bind, advertise);
}

static bool networks_read(struct init *x)
{
	uint32_t words = x->network_count;
	char own[ADDR_TEXT_MAX];

	x->network_count = 0;
	for (uint32_t i = 0; i < words; i++) {
		if (!init_network_read(x, x->network_words[i])) {
			ctl_complain("init: --network must be NAME=ADDRESS or "
				     "NAME=ADDRESS/ADVERTISED, such as inside=10.0.0.1");
			return false;
		}
	}
	if (words && (x->bind || x->advertise)) {
		ctl_complain("init: --network says what --bind and --advertise would: give either");
		return false;
	}
	if (words)
		return true;
	init_own_address(own);
	if (network_set(x, "main", x->bind ? x->bind : own, x->advertise))
		return true;
	ctl_complain("init: --bind must be an address of this machine, without a port, and "
		     "--advertise the one that others reach");
	return false;
}

/* ---- values ---- */

/* Given ports leave others free: two nodes of one machine. */
static void values_preset(struct init *x)
{
	own_name(x->own_name);
	x->name = x->name ? x->name : x->own_name;
	x->shard = x->shard ? x->shard : "1";
	x->trusted = x->trusted ? x->trusted : "";
	x->media_ports = x->media_ports ? x->media_ports : "12000-31999";
	x->http = x->http ? x->http : "127.0.0.1:8080";
	if (!x->tls_ports)
		x->tls_ports = x->sip_ports ? "none" : "5061";
	if (!x->sip_ports)
		x->sip_ports = "5060,10060";
	if (!x->tcp_ports)
		x->tcp_ports = x->sip_ports;
}

static bool http_read(struct init *x)
{
	struct writer w = writer_over(x->http_address, sizeof(x->http_address) - 1);
	struct addr http;

	if (addr_parse(&http, bytes_str(x->http)) || !http.port)
		return false;
	x->http_port = http.port;
	http.port = 0;
	addr_write_ip(&w, &http);
	x->http_address[w.n] = '\0';
	return true;
}

static bool values_check(struct init *x)
{
	const char *wrong = NULL;

	if (!text_is_of(x->sip_ports, "0123456789,"))
		wrong = "--sip-ports must be ports, such as 5060,10060";
	else if (!is_ports_or_none(x->tcp_ports))
		wrong = "--tcp-ports must be ports, such as 5060,10060, or none";
	else if (!is_ports_or_none(x->tls_ports))
		wrong = "--tls-ports must be ports, such as 5061, or none";
	else if (!text_is_of(x->media_ports, "0123456789-"))
		wrong = "--media-ports must be a range, such as 20000-39999";
	else if (!http_read(x))
		wrong = "--http must be address:port, such as 127.0.0.1:8080";
	else if (strpbrk(x->name, "\"\\\n\r'"))
		wrong = "--name may have letters, digits, '.', '-' and '_' only";
	else if (!text_is_of(x->shard, "0123456789"))
		wrong = "--shard must be a number from 1 to 65535";
	else if (x->trusted[0] && !text_is_of(x->trusted, "0123456789abcdefABCDEF.:/,"))
		wrong = "--trusted must be prefixes, such as 192.0.2.5,10.0.0.0/8";
	else if (strpbrk(x->path, "\"\\") ||
		 !text_is_of(x->path, " !#$%&'()*+,-./:;<=>?@[]^_`{|}~" LETTERS))
		wrong = "--dir must be a path of plain characters";
	if (wrong)
		ctl_complain("init: %s", wrong);
	return !wrong;
}

/* ---- the text ---- */

static void network_write(struct writer *w, const struct init *x, const struct init_network *n)
{
	writer_fmt(w, "  - name: \"%s\"\n    bind: \"%s\"\n", n->name, n->bind);
	if (n->advertise[0])
		writer_fmt(w, "    advertise: \"%s\"\n", n->advertise);
	writer_fmt(w,
		   "    sip_ports: [%s]\n"
		   "    sip_tcp_ports: [%s]\n"
		   "    sip_tls_ports: [%s]\n"
		   "    media_ports: %s\n",
		   x->sip_ports, ports_in_yaml(x->tcp_ports), ports_in_yaml(x->tls_ports),
		   x->media_ports);
}

static void trusted_write(struct writer *w, const char *list)
{
	struct bytes rest = bytes_str(list), word;

	writer_str(w, "sip:\n  trusted: [");
	while (list[0] && bytes_cut(&rest, ',', &word))
		writer_fmt(w, "%s\"" BYTES_FMT "\"", w->p[w->n - 1] == '[' ? "" : ", ",
			   BYTES_ARG(word));
	writer_str(w, "]\n");
}

static void yaml_text(struct writer *w, const struct init *x)
{
	writer_fmt(w,
		   "# Settings of this node: see docs/config.md or tandemctl help config.\n"
		   "node:\n"
		   "  name: \"%s\"\n"
		   "  shard: %s\n"
		   "  state_dir: \"%s\"\n"
		   "\n"
		   "networks:\n",
		   x->name, x->shard, x->path);
	for (uint32_t i = 0; i < x->network_count; i++)
		network_write(w, x, &x->networks[i]);
	writer_str(w, "\n");
	trusted_write(w, x->trusted);
	writer_fmt(w,
		   "\n"
		   "http:\n"
		   "  bind: \"%s\"\n"
		   "  port: %u\n"
		   "\n"
		   "log:\n"
		   "  level: info\n",
		   x->http_address, x->http_port);
}

/* Text of a new tandem.yaml, with NUL, from options and this machine. False: complained. */
static bool init_yaml_write(struct init *x, char out[INIT_YAML_MAX])
{
	struct writer w = writer_over(out, INIT_YAML_MAX - 1);

	values_preset(x);
	if (!values_check(x) || !networks_read(x))
		return false;
	yaml_text(&w, x);
	if (w.overflow) {
		ctl_complain("init: that is too much for a file of settings");
		return false;
	}
	out[w.n] = '\0';
	return true;
}
