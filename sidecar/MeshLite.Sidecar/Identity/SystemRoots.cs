using System.Runtime.InteropServices;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// Keeps the machine's root certificates out of the process. .NET parses them all for its first certificate chain,
/// whatever that chain trusts: measured 80 ms and 2 MB, for roots that no connection of the mesh believes.
/// </summary>
internal static partial class SystemRoots
{
    /// <summary>
    /// Call first thing in Main. Where the user set one of the variables (for a collector behind public TLS, say), it stands.
    /// </summary>
    public static void Skip()
    {
        // The runtime reads the variables natively: Environment.SetEnvironmentVariable would not reach it.
        _ = SetEnv("SSL_CERT_DIR", "/nonexistent", overwrite: 0);
        _ = SetEnv("SSL_CERT_FILE", "/dev/null", overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
