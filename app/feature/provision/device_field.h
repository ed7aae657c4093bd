/* SPDX-License-Identifier: Apache-2.0 */
/* A device: a phone that fetches its files from the node, as a document of a tenant by its MAC. */
#ifndef APP_FEATURE_PROVISION_DEVICE_FIELD_H
#define APP_FEATURE_PROVISION_DEVICE_FIELD_H

#include "app/feature/provision/phone_files.h"
#include "app/schema/command.h"
#include "app/schema/field.h"
#include "sig/host/devices.h"
#include "sig/host/tenant.h"

enum {
	DEVICE_MODEL_MAX = 32,
	DEVICE_EXTENSIONS_MAX = 256,
	DEVICE_OVERRIDES_MAX = 1024,
	DEVICE_FAMILY_MAX = 32,
	DEVICE_DIGIT_MAP_MAX = 1024,
	DEVICE_PASSWORD_MAX = 65,
	DEVICE_MENU_MAX = 33,
	DEVICE_PROFILE_MAX = 33,
	DEVICE_MENU_MIN = 4,
	DEVICE_RELEASE_MAX = 12,
	DEVICE_HOST_MAX = 128,
	/* of an extension, or of one of another site as NUMBER@TENANT */
	DEVICE_USER_MAX = DEVICE_NUMBER_MAX + TENANT_NAME_MAX,
};

enum device_secondary { SECONDARY_AS_EXTENSION, SECONDARY_CALLS, SECONDARY_REGISTERS };

#define DEVICE_OF_SITE      '@'
#define DEVICE_MENU_PROFILE "profile" /* as menu_password: that of its profile */

/* What a profile takes from its phones. */
enum device_feature {
	DEVICE_DISTURB,
	DEVICE_FORWARDING,
	DEVICE_LAMPS,
	DEVICE_RECORD_KEY,
	DEVICE_DIRECTORY,
	DEVICE_PAGING,
	DEVICE_VIDEO,
	DEVICE_FEATURES,
};

struct device_profile {
	char name[DEVICE_PROFILE_MAX];
	uint16_t features_off;               /* 1 << enum device_feature */
	char menu_password[DEVICE_MENU_MAX]; /* of devices that have DEVICE_MENU_PROFILE */
	char digit_map[DEVICE_DIGIT_MAP_MAX];
	char overrides[DEVICE_OVERRIDES_MAX];
	uint64_t changed_utc_ms;
};

struct device_value {
	char mac[PHONE_MAC_LEN + 6]; /* normal form, with room for others, which are refused */
	uint8_t make, generation;    /* indexes of their words */
	char model[DEVICE_MODEL_MAX];
	char extensions[DEVICE_EXTENSIONS_MAX]; /* of its lines, joined by ',' */
	uint16_t location;                      /* where it stands; 0: it does not say */
	uint8_t columns;
	uint16_t video_kbps;
	uint8_t video_dscp;              /* 0: the node's */
	char secondary[DEVICE_HOST_MAX]; /* HOST[:PORT], "off"; "": its extension's */
	uint8_t secondary_registers;     /* enum device_secondary */
	uint8_t clock;                   /* index of its word */
	bool directory_key, directory_page;
	bool firmware;
	char digit_map[DEVICE_DIGIT_MAP_MAX];       /* "": that of the tenant's plan */
	char password[FORM_SECRET_MAX];             /* its own, sealed; "": its extension's */
	char directory_profile[DEVICE_PROFILE_MAX]; /* "": the whole directory */
	char user[DEVICE_NUMBER_MAX];               /* the extension logged in at it; "": none */
	char guest[DEVICE_USER_MAX];  /* in place of user one of another site (REG-30) */
	char former[DEVICE_USER_MAX]; /* who had the phone before the last change, */
	uint64_t login_utc_ms;        /* which was then: its epoch */
	uint64_t logout_utc_ms;       /* so long the login lasts; 0: until it is logged out */
	char menu_password[DEVICE_MENU_MAX]; /* of its menu's administrator; "": as it is */
	/* of the system that had the phone before, as "7.0.1"; "": none, or it was reset since */
	char former_release[DEVICE_RELEASE_MAX];
	char overrides[DEVICE_OVERRIDES_MAX]; /* KEY=VALUE joined by ';' */
	char profile[DEVICE_PROFILE_MAX];     /* "": that with the name default */
	uint16_t features_off;                /* by its profile: device_profile_read */
	uint64_t changed_utc_ms;
};

extern const struct command_arg g_device_profile_fields[];
extern const struct form g_device_profile_form;
extern const struct command_arg g_device_fields[];
extern const struct form g_device_form;

/* "00:04:F2:14:AB:37" and its like as "0004f214ab37". False: it is no MAC of a phone. */
bool device_mac_read(struct bytes text, char out[PHONE_MAC_LEN + 1]);
/* "polycom-8.5", "yealink" */
void device_family(const struct device_value *v, char out[DEVICE_FAMILY_MAX]);
/* The model is one that its make has in that generation; an empty one is. */
bool device_model_is_known(const struct device_value *v);
/* Its files can have parameters of an administrator. */
bool device_takes_overrides(const struct device_value *v);
/* It keeps settings of its former system that come before the node's files. */
bool device_needs_reset(const struct device_value *v);
/* NULL, or how it is reset, in words for its administrator. */
const char *device_reset_how(const struct device_value *v);
/* It has keys for hold and transfer beside its display. */
bool device_has_call_keys(const struct device_value *v);
/* Whether it registers at a secondary proxy; extension: whether its extension says so. */
bool device_registers_there(const struct device_value *v, bool extension);
/* As many as its display has. */
uint8_t device_columns(const struct device_value *v);
/* Cuts "KEY=VALUE" off; value.p NULL: it has no '='. False: none is left. */
bool device_override_next(struct bytes *rest, struct bytes *key, struct bytes *value);

#endif
