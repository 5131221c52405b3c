using System.Security.Cryptography;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Protocol.Tests.Pki;

public sealed class JoinTokenKeyTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void LoadOrCreate_Twice_IsTheSameKeyForTheOwnerOnly()
    {
        using var first = JoinTokenKey.LoadOrCreate(_directory["data"]);
        using var second = JoinTokenKey.LoadOrCreate(_directory["data"]);

        second.ExportSubjectPublicKeyInfo().ShouldBe(first.ExportSubjectPublicKeyInfo());
        File.GetUnixFileMode(_directory["data/join-token.key"]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(_directory["data"]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public void LoadOrCreate_AtOnceByMany_IsOneKey()
    {
        var keys = new byte[16][];
        Parallel.For(0, keys.Length, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
        {
            using var key = JoinTokenKey.LoadOrCreate(_directory["data"]);
            keys[i] = key.ExportSubjectPublicKeyInfo();
        });

        keys.Select(Convert.ToHexString).Distinct().Count().ShouldBe(1);
        Directory.GetFiles(_directory["data"]).ShouldBe([_directory["data/join-token.key"]]);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("")]
    [InlineData("RSA")]
    [InlineData("P-384")]
    [InlineData("public")]
    public void LoadOrCreate_NoKeyOfOurs_SaysWhichFileAndKeepsIt(string what)
    {
        using var rsa = RSA.Create(2048);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var text = what switch
        {
            "RSA" => rsa.ExportPkcs8PrivateKeyPem(),
            "P-384" => p384.ExportPkcs8PrivateKeyPem(),
            "public" => p256.ExportSubjectPublicKeyInfoPem(),
            _ => what,
        };
        File.WriteAllText(_directory["join-token.key"], text);

        var error = Should.Throw<CryptographicException>(() => JoinTokenKey.LoadOrCreate(_directory.Path));

        error.Message.ShouldContain(_directory["join-token.key"]);
        File.ReadAllText(_directory["join-token.key"]).ShouldBe(text);
    }
}
