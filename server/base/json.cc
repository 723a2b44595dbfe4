// The one file that compiles Boost.JSON in; everybody else includes its plain headers. Header-only,
// so that no Boost library has to be there at run time.
#include <boost/json/src.hpp>
