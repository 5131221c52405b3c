using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// The certificate authorities this machine trusts. In a mesh nobody is believed because of them; .NET on Linux reads all of them all the same (some 140) for the
/// first chain it builds, whatever roots it is told to build it from: 80 ms of a start, and 2 MB of each sidecar for good.
/// So <see cref="Hide"/> takes them away from it, and who does want them, export to a collector, asks <see cref="Read"/>.
/// They are what OpenSSL's variables name, <c>SSL_CERT_FILE</c> and <c>SSL_CERT_DIR</c> (several, by colon), and nothing else where one of them is set; or else what is
/// where distributions keep them (as Go's crypto/x509 has it).
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
    private static (string? File, string? Directories)? _hidden;

    /// <summary>To be called once, before anything of TLS: .NET asks for the variables once and by libc, which its own <see cref="Environment"/> does not reach.</summary>
    public static void Hide()
    {
        _hidden = Variables();
        SetVariable(FileVariable, "/dev/null", overwrite: 1);
        SetVariable(DirectoryVariable, "/dev/null", overwrite: 1);
    }

    /// <summary>Reads them, each time anew. What cannot be read or is no certificate is left out; none at all: nobody is trusted.</summary>
    public static X509Certificate2Collection Read()
    {
        var (file, directories) = _hidden ?? Variables();
        return Read(file, directories, Files, Directories);
    }

    /// <inheritdoc cref="Read()"/>
    /// <param name="file">The one to read; null or empty: not named.</param>
    /// <param name="directories">Those to read, by colon; null or empty: not named.</param>
    /// <param name="defaultFiles">Where nothing is named the first that is there.</param>
    /// <param name="defaultDirectories">And where there is none, these.</param>
    internal static X509Certificate2Collection Read(string? file, string? directories, IEnumerable<string> defaultFiles, IEnumerable<string> defaultDirectories)
    {
        var named = (directories ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        if (string.IsNullOrEmpty(file) && named.Length == 0)
        {
            file = defaultFiles.FirstOrDefault(File.Exists);
            named = file is null ? [.. defaultDirectories] : [];
        }

        X509Certificate2Collection roots = [];
        foreach (var path in named.SelectMany(FilesOf).Prepend(file))
        {
            Add(roots, path);
        }

        return roots;
    }

    private static (string? File, string? Directories) Variables() =>
        (Environment.GetEnvironmentVariable(FileVariable), Environment.GetEnvironmentVariable(DirectoryVariable));

    private static string[] FilesOf(string directory)
    {
        try
        {
            return Directory.GetFiles(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static void Add(X509Certificate2Collection roots, string? file)
    {
        try
        {
            if (!string.IsNullOrEmpty(file))
            {
                roots.ImportFromPemFile(file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            // A folder of certificates holds other things too. Of a file that was named the export says so (OtlpExport), once it matters.
        }
    }

    // POSIX.1-2017. Nothing of ours runs yet that could be reading.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
