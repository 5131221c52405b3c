using System.Text;
using MeshLite.Kubernetes.Connection;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.Kubernetes.Tests.Connection;

public sealed class KubeconfigTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("insecure-skip-tls-verify: true", "", "insecure-skip-tls-verify: the server is always verified")]
    [InlineData("proxy-url: \"http://proxy\"", "", "proxy-url: proxies are not supported")]
    [InlineData("certificate-authority-data: \"!\"", "", "certificate-authority-data is not base64")]
    [InlineData("certificate-authority-data: aGVsbG8=", "", "certificate-authority-data: no certificate in it")]
    [InlineData("certificate-authority: missing.crt", "", "certificate authority cannot be read")]
    [InlineData("", "exec: {command: aws}", "exec: credential plugins are not supported")]
    [InlineData("", "auth-provider: {name: oidc}", "auth-provider: auth providers are not supported")]
    [InlineData("", "username: me", "username: passwords are not supported")]
    [InlineData("", "as: somebody", "as: impersonation is not supported")]
    [InlineData("", "client-certificate-data: aGVsbG8=", "of client certificate and client key, one is missing")]
    [InlineData("", "client-certificate-data: aGVsbG8=, client-key-data: aGVsbG8=", "client certificate and key do not fit together or are not PEM")]
    public void Read_WhatCannotBeHonoured_SaysSo(string cluster, string user, string expected) =>
        Refusal(Config(cluster: cluster, user: user)).ShouldContain(expected);

    [Theory]
    [InlineData("[]", "not a kubeconfig")]
    [InlineData("a: {", "not YAML")]
    [InlineData("contexts: []", "no current-context")]
    [InlineData("current-context: x", "no context named 'x'")]
    public void Read_NoKubeconfig_SaysSo(string text, string expected) => Refusal(text).ShouldContain(expected);

    [Fact]
    public void Read_NoFile_SaysSo() =>
        Should.Throw<ConnectionException>(() => ClusterConnection.FromKubeconfig(_directory["missing"])).Message.ShouldStartWith("kubeconfig cannot be read: ");

    [Theory]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("127.0.0.1")]
    public void Read_ServerWithoutTls_IsRefused(string server) => Refusal(Config(server: server)).ShouldContain("cluster.server is not of the form https://HOST:PORT");

    [Fact]
    public void Read_FalseFlags_AreNoReason()
    {
        var connection = Read(Config(cluster: "insecure-skip-tls-verify: false, tls-server-name: kubernetes", user: "token: secret"));

        connection.Server.ShouldBe(new Uri("https://127.0.0.1:6443"));
        connection.Namespace.ShouldBe("shop");
        connection.ServerName.ShouldBe("kubernetes");
        connection.Token.Current.ShouldBe("secret");
    }

    [Fact]
    public async Task Read_FilesBesideIt_AreFoundAndUsed()
    {
        await using var server = await FakeApiServer.StartAsync();
        File.WriteAllText(_directory["ca.crt"], server.AuthorityPem);
        File.WriteAllText(_directory["token"], server.IssueToken("shop", "orders", FakeApiServer.OwnAudience) + "\n");

        var connection = Read(Config($"https://127.0.0.1:{server.Port}", "certificate-authority: ca.crt", "tokenFile: token"));

        using var client = new KubernetesClient(connection);
        (await client.ListAsync(ResourceTypes.Namespaces)).Items.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Read_ServerName_IsWhatTheCertificateMustSay()
    {
        await using var server = await FakeApiServer.StartAsync();
        var ca = Convert.ToBase64String(Encoding.ASCII.GetBytes(server.AuthorityPem));
        var token = server.IssueToken("shop", "orders", FakeApiServer.OwnAudience);

        using var right = new KubernetesClient(Read(Config($"https://127.0.0.1:{server.Port}", $"certificate-authority-data: {ca}, tls-server-name: kubernetes.default.svc", $"token: {token}")));
        using var wrong = new KubernetesClient(Read(Config($"https://127.0.0.1:{server.Port}", $"certificate-authority-data: {ca}, tls-server-name: elsewhere", $"token: {token}")));

        (await right.ListAsync(ResourceTypes.Namespaces)).Items.ShouldNotBeEmpty();
        await Should.ThrowAsync<HttpRequestException>(wrong.ListAsync(ResourceTypes.Namespaces));
    }

    private static string Config(string server = "https://127.0.0.1:6443", string cluster = "", string user = "") => $$"""
        current-context: it
        contexts: [{name: other, context: {cluster: none} }, {name: it, context: {cluster: c, user: u, namespace: shop} }]
        clusters: [{name: c, cluster: {server: "{{server}}"{{(cluster.Length > 0 ? ", " : "")}}{{cluster}} } }]
        users: [{name: u, user: { {{user}} } }]
        """;

    private string Refusal(string text) => Should.Throw<ConnectionException>(() => Read(text)).Message;

    private ClusterConnection Read(string text)
    {
        File.WriteAllText(_directory["config"], text);
        return ClusterConnection.FromKubeconfig(_directory["config"]);
    }
}
