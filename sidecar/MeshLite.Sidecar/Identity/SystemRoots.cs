using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// The certificate authorities this machine trusts. In a mesh nobody is believed because of them; .NET on Linux reads all of them all the same (some 140) for the
/// first chain it builds, whatever roots it is told to build it from: 80 ms of a start, and 2 MB of each sidecar for good.
/// So <see cref="Hide"/> takes them away from it, and who does want them, export to a collector, asks <see cref="Read"/>.
/// Where they are is what OpenSSL's variables say, <c>SSL_CERT_FILE</c> and <c>SSL_CERT_DIR</c> (several, by colon), or else where distributions keep them (as Go's crypto/x509 has it).
/// </summary>
internal static partial class SystemRoots
{
    private const string FileVariable = "SSL_CERT_FILE", DirectoryVariable = "SSL_CERT_DIR";

    private static readonly string[] Files =
    [
        "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL, Fedora
        "/etc/ssl/ca-bundle.pem", // SUSE
        "/etc/ssl/cert.pem",
    ];

    private static readonly string[] Directories = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

    // What the user set, once Hide has set something else.
    private static (string? File, string? Directory)? _hidden;

    /// <summary>To be called once, before anything of TLS: .NET asks for the variables once and by libc, which its own <see cref="Environment"/> does not reach.</summary>
    public static void Hide()
    {
        _hidden = (Environment.GetEnvironmentVariable(FileVariable), Environment.GetEnvironmentVariable(DirectoryVariable));
        SetVariable(FileVariable, "/dev/null", overwrite: 1);
        SetVariable(DirectoryVariable, "/dev/null", overwrite: 1);
    }

    /// <summary>Reads them, each time anew; the caller owns them. What cannot be read or is no certificate is left out; none at all: nobody is trusted.</summary>
    public static X509Certificate2Collection Read()
    {
        var (file, directory) = _hidden ?? (Environment.GetEnvironmentVariable(FileVariable), Environment.GetEnvironmentVariable(DirectoryVariable));
        return Read(file, directory, Files, Directories);
    }

    /// <inheritdoc cref="Read()"/>
    /// <param name="file">The one file, whether it is there or not; null or empty: the first of <paramref name="files"/> that is.</param>
    /// <param name="directory">Where else to look, by colon; null or empty: in <paramref name="directories"/>, if there is no file.</param>
    /// <param name="files">By default.</param>
    /// <param name="directories">By default.</param>
    internal static X509Certificate2Collection Read(string? file, string? directory, IEnumerable<string> files, IEnumerable<string> directories)
    {
        X509Certificate2Collection roots = [];
        Add(roots, string.IsNullOrEmpty(file) ? files.FirstOrDefault(File.Exists) : file);
        if (roots.Count > 0 && string.IsNullOrEmpty(directory))
        {
            return roots;
        }

        foreach (var folder in string.IsNullOrEmpty(directory) ? directories : directory.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            foreach (var entry in Directory.Exists(folder) ? Directory.GetFiles(folder) : [])
            {
                Add(roots, entry);
            }
        }

        return roots;
    }

    private static void Add(X509Certificate2Collection roots, string? file)
    {
        try
        {
            if (file is not null)
            {
                roots.ImportFromPemFile(file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            // A folder of certificates holds other things too.
        }
    }

    // POSIX.1-2017. Nothing of ours runs yet that could be reading.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
