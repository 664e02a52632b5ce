#include "CBuiltinModel.h"

// #embed is C23; clang 19, which Swift 6.2 comes with, knows it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

#ifdef __has_embed
static const unsigned char table[] = {
#embed "static-en-256/model.safetensors"
};
static const unsigned char vocabulary[] = {
#embed "static-en-256/vocab.txt"
};
static const unsigned char configuration[] = {
#embed "static-en-256/config.json"
};
#define FILE_OF(name) ((CBMFile){name, sizeof name})
#else
#define FILE_OF(name) ((CBMFile){"", 0})
#endif

CBMFile cbm_table(void) { return FILE_OF(table); }
CBMFile cbm_vocabulary(void) { return FILE_OF(vocabulary); }
CBMFile cbm_configuration(void) { return FILE_OF(configuration); }
