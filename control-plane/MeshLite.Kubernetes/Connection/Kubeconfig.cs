using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MeshLite.Kubernetes.Connection;

/// <summary>
/// Reads the current context of a kubeconfig (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/). One file, no merging.
/// What it cannot honour is an error, never ignored: exec and auth-provider plugins, passwords, impersonation, proxies, unverified TLS.
/// </summary>
internal sealed class Kubeconfig
{
    private readonly string _path;
    private readonly YamlMappingNode _root;

    private Kubeconfig(string path, YamlMappingNode root) => (_path, _root) = (path, root);

    public static ClusterConnection Read(string path, TimeProvider time) => new Kubeconfig(path, Load(path)).Current(time);

    private static YamlMappingNode Load(string path)
    {
        try
        {
            using var reader = File.OpenText(path);
            var yaml = new YamlStream();
            yaml.Load(reader);
            return yaml.Documents.Count == 1 && yaml.Documents[0].RootNode is YamlMappingNode root
                ? root
                : throw new ConnectionException($"{path}: not a kubeconfig");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConnectionException($"kubeconfig cannot be read: {error.Message}");
        }
        catch (Exception error) when (error is YamlException or InvalidOperationException or ArgumentException or FormatException or IndexOutOfRangeException or OverflowException)
        {
            // YamlDotNet loses its way on some garbage, as of a tab within a plain scalar.
            throw new ConnectionException($"{path}: not YAML: {error.Message}");
        }
    }

    private ClusterConnection Current(TimeProvider time)
    {
        var name = Text(_root, "current-context") ?? throw Wrong("no current-context");
        var context = Named("contexts", name, "context");
        var cluster = Named("clusters", Text(context, "cluster") ?? throw Wrong($"context '{name}' names no cluster"), "cluster");
        var user = Text(context, "user") is { } userName ? Named("users", userName, "user") : new YamlMappingNode();
        Refuse(cluster, "insecure-skip-tls-verify", "the server is always verified; give certificate-authority-data instead");
        Refuse(cluster, "proxy-url", "proxies are not supported");
        Refuse(user, "exec", "credential plugins are not supported; use a token, a tokenFile or a client certificate");
        Refuse(user, "auth-provider", "auth providers are not supported; use a token, a tokenFile or a client certificate");
        Refuse(user, "username", "passwords are not supported; use a token, a tokenFile or a client certificate");
        Refuse(user, "as", "impersonation is not supported");

        return new ClusterConnection
        {
            Server = Uri.TryCreate(Text(cluster, "server"), UriKind.Absolute, out var server) && server.Scheme == Uri.UriSchemeHttps
                ? server
                : throw Wrong("cluster.server is not of the form https://HOST:PORT"),
            Namespace = Text(context, "namespace") ?? "default",
            ServerName = Text(cluster, "tls-server-name"),
            Trust = Data(cluster, "certificate-authority-data") is { } ca ? ServerTrust.Pem(ca, $"{_path}: certificate-authority-data")
                : FilePath(cluster, "certificate-authority") is { } file ? ServerTrust.File(file)
                : ServerTrust.System,
            ClientCertificate = Certificate(user),
            // As client-go: of both, the file.
            Token = FilePath(user, "tokenFile") is { } tokenFile ? new TokenFile(tokenFile, time) : new FixedToken(Text(user, "token")),
        };
    }

    private X509Certificate2? Certificate(YamlMappingNode user)
    {
        var certificate = Data(user, "client-certificate-data") ?? Content(user, "client-certificate");
        var key = Data(user, "client-key-data") ?? Content(user, "client-key");
        if (certificate is null && key is null)
        {
            return null;
        }

        if (certificate is null || key is null)
        {
            throw Wrong("of client certificate and client key, one is missing");
        }

        try
        {
            return X509Certificate2.CreateFromPem(certificate, key);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw Wrong($"client certificate and key do not fit together or are not PEM: {error.Message}");
        }
    }

    private YamlMappingNode Named(string list, string name, string part)
    {
        if (_root.Children.TryGetValue(list, out var node) && node is YamlSequenceNode entries)
        {
            foreach (var entry in entries.OfType<YamlMappingNode>())
            {
                if (Text(entry, "name") == name && entry.Children.TryGetValue(part, out var found) && found is YamlMappingNode mapping)
                {
                    return mapping;
                }
            }
        }

        throw Wrong($"no {part} named '{name}'");
    }

    private void Refuse(YamlMappingNode node, string field, string why)
    {
        if (node.Children.TryGetValue(field, out var value) && !(value is YamlScalarNode { Value: "false" or "" or null or "null" or "~" }))
        {
            throw Wrong($"{field}: {why}");
        }
    }

    private string? Data(YamlMappingNode node, string field)
    {
        if (Text(node, field) is not { } base64)
        {
            return null;
        }

        try
        {
            return Encoding.ASCII.GetString(Convert.FromBase64String(base64));
        }
        catch (FormatException)
        {
            throw Wrong($"{field} is not base64");
        }
    }

    private string? FilePath(YamlMappingNode node, string field) =>
        Text(node, field) is { } path ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path))!, path) : null;

    private string? Content(YamlMappingNode node, string field)
    {
        try
        {
            return FilePath(node, field) is { } path ? File.ReadAllText(path) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // ArgumentException: a NUL in its name.
            throw Wrong($"{field} cannot be read: {error.Message}");
        }
    }

    private static string? Text(YamlMappingNode node, string field) =>
        node.Children.TryGetValue(field, out var value) && value is YamlScalarNode { Value: { Length: > 0 } text } ? text : null;

    private ConnectionException Wrong(string what) => new($"{_path}: {what}");
}
