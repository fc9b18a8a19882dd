# Write OUTPUT, a C file that holds each of SOURCES (.cl files) as a byte array, and a table of them
# under their names without ".cl". Byte arrays, since string literals have a length limit.
set(arrays "")
set(rows "")
foreach(source ${SOURCES})
    get_filename_component(name ${source} NAME_WE)
    file(READ ${source} hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char cl_${name}[] = {\n${bytes}};\n")
    string(APPEND rows "    {\"${name}\", (const char *)cl_${name}, sizeof cl_${name}},\n")
endforeach()
file(WRITE ${OUTPUT} "/* Made by tools/embed_cl.cmake. */
#include \"opencl/embedded.h\"

${arrays}
const ocl_embedded_source ocl_embedded_sources[] = {
${rows}    {0, 0, 0}};
")
